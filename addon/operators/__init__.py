"""The buttons."""

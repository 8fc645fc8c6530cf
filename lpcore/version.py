"""The one place that states the version; pyproject, recipe, worker and extension manifest follow it."""

__version__ = "0.1.0"

"""From a photo to a face: detection, landmarks, crop and matte. Importing this loads OpenCV."""

from .portrait import analyze

__all__ = ["analyze"]

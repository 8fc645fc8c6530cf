"""The registry of weight files: what each is, where it lies, whether it is intact, and how to get it."""

from .download import fetch
from .registry import REGISTRY, WeightFile
from .store import cache_folder, listing, metadata, present, require, sha256

__all__ = [
    "REGISTRY",
    "WeightFile",
    "cache_folder",
    "fetch",
    "listing",
    "metadata",
    "present",
    "require",
    "sha256",
]

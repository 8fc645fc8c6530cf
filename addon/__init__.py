"""Line Portrait: a talking line drawing from one photo and one speech strip."""

from . import registry


def register() -> None:
    registry.register()


def unregister() -> None:
    registry.unregister()

"""The old place of `weighbridge.store.backends`, until all branches import from there."""

from weighbridge.store.backends import Backend, Listed
from weighbridge.store.backends._errors import translate
from weighbridge.store.backends.local import LocalBackend

__all__ = ["Backend", "Listed", "LocalBackend", "translate"]

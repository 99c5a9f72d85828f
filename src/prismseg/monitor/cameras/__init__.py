"""Thermal cameras behind one protocol: a simulator, a watched folder, USB cameras and their recordings."""

from prismseg.base.lazy import lazy_exports

_RENAMED = {
    "Guarded": "WatchedCamera",
    "KINDS": "PATIENTS",
    "camera_kinds": "describe_cameras",
    "simulator_of": "find_simulator",
}

__getattr__, __dir__, __all__ = lazy_exports(__name__, deprecated=_RENAMED)

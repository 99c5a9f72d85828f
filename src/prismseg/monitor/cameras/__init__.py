"""Thermal cameras behind one protocol: a simulator, a watched folder, USB cameras and their recordings."""

from prismseg.monitor.cameras.decode import FORMATS, decode_double, decode_y16
from prismseg.monitor.cameras.factory import camera_kinds, open_camera
from prismseg.monitor.cameras.guard import Guarded
from prismseg.monitor.cameras.protocol import LATE, Camera, CameraError
from prismseg.monitor.cameras.simulator import KINDS, Simulator, find_simulator
from prismseg.monitor.cameras.uvc import RecordedStream, UvcCamera, open_recording
from prismseg.monitor.cameras.watcher import FolderWatcher

__all__ = [
    "FORMATS",
    "KINDS",
    "LATE",
    "Camera",
    "CameraError",
    "FolderWatcher",
    "Guarded",
    "RecordedStream",
    "Simulator",
    "UvcCamera",
    "camera_kinds",
    "decode_double",
    "decode_y16",
    "find_simulator",
    "open_camera",
    "open_recording",
]

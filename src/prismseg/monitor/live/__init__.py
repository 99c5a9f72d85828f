"""The live picture and the quality lights beside it."""

from prismseg.monitor.live.lights import LightSettings, QualityLight, assess_frame
from prismseg.monitor.live.view import LiveFrame, LiveView, outline_points

__all__ = ["LightSettings", "LiveFrame", "LiveView", "QualityLight", "assess_frame", "outline_points"]

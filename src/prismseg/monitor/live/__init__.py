"""The live picture and the quality lights beside it."""

from prismseg.base.deprecation import renamed_exports
from prismseg.monitor.live.lights import LightSettings, QualityLight, assess_frame
from prismseg.monitor.live.view import FRESH_SECONDS, Aim, LiveFrame, LiveView, outline_points

__all__ = [
    "FRESH_SECONDS",
    "Aim",
    "LightSettings",
    "LiveFrame",
    "LiveView",
    "QualityLight",
    "assess_frame",
    "outline_points",
]

__getattr__ = renamed_exports(
    __name__, Glimpse="LiveFrame", Light="QualityLight", lights_of="assess_frame", lines_of="outline_points"
)

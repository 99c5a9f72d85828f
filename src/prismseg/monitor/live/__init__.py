"""The live picture and the lights beside it."""

from prismseg.monitor.live.lights import Light, lights_of
from prismseg.monitor.live.view import Glimpse, LiveView, lines_of

__all__ = ["Glimpse", "Light", "LiveView", "lights_of", "lines_of"]

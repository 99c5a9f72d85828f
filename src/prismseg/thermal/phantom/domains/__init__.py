"""Independent generators of feet, temperatures and scenes; leave one out of training to test on it."""

from collections.abc import Callable
from typing import Final

import numpy as np

from prismseg.base.registry import Registry
from prismseg.thermal.phantom.painting.canvas import Canvas
from prismseg.thermal.phantom.scene.spec import SceneSpec

Domain = Callable[[np.random.Generator, Canvas, SceneSpec], None]
"""Paints the scene that a `SceneSpec` asks for; equal generators paint the same person in the same bed."""

DOMAINS: Final[Registry[Domain]] = Registry("phantom domain")
# Frames depend on this order (see `frame_at`): add new domains at the end.
DOMAINS.register(
    "spline", "prismseg.thermal.phantom.domains.spline.domain:SPLINE", summary="Drawn outlines, a patient in bed."
)
DOMAINS.register(
    "ellipse", "prismseg.thermal.phantom.domains.ellipse.domain:ELLIPSE", summary="Superellipses, a bare scene."
)
DOMAINS.register(
    "blob", "prismseg.thermal.phantom.domains.blob.domain:BLOB", summary="Level sets of balls, a cluttered bed."
)
DOMAINS.register(
    "solid", "prismseg.thermal.phantom.domains.solid.domain:SOLID", summary="Three dimensions in perspective."
)

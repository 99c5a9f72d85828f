"""Independent generators of feet, temperatures and scenes; leave one out of training to test on it."""

from collections.abc import Callable
from typing import Final

import numpy as np

from prismseg.base.registry import Registry
from prismseg.thermal.phantom.painting.canvas import Canvas
from prismseg.thermal.phantom.scene.spec import SceneSpec

Domain = Callable[[np.random.Generator, Canvas, SceneSpec], None]
"""Paints the scene that a `SceneSpec` asks for; equal generators paint the same person in the same bed."""

_HERE = "prismseg.thermal.phantom.domains"

DOMAINS: Final[Registry[Domain]] = Registry("phantom domain")
# Pictures depend on this order (see `frame_at`): add new domains at the end.
DOMAINS.register("spline", f"{_HERE}.spline.domain:SPLINE", summary="Drawn outlines, a patient in bed.")
DOMAINS.register("ellipse", f"{_HERE}.ellipse.domain:ELLIPSE", summary="Superellipses, a bare scene.")
DOMAINS.register("blob", f"{_HERE}.blob.domain:BLOB", summary="Level sets of balls, a cluttered bed.")
DOMAINS.register("solid", f"{_HERE}.solid.domain:SOLID", summary="Three dimensions in perspective.")

"""Independent generators of feet, temperatures and scenes; leave one out of training to test on it."""

from collections.abc import Callable
from typing import Final

import numpy as np

from prismseg.thermal.phantom.canvas import Canvas
from prismseg.thermal.phantom.domains.blob import BLOB
from prismseg.thermal.phantom.domains.ellipse import ELLIPSE
from prismseg.thermal.phantom.domains.solid import SOLID
from prismseg.thermal.phantom.domains.spline import SPLINE
from prismseg.thermal.phantom.flat import Brief

DOMAINS: Final[dict[str, Callable[[np.random.Generator, Canvas, Brief], None]]] = {
    "spline": SPLINE,
    "ellipse": ELLIPSE,
    "blob": BLOB,
    "solid": SOLID,
}

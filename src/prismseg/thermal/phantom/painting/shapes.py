"""Simple closed curves, in any plane of (row, column) or (u, v)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.interpolate import CubicSpline

from prismseg.thermal.phantom.painting.raster import Curve, Field

SHORTEST = 1e-9  # length; repeated points of a line have no direction


def ellipse(
    middle: tuple[float, float],
    radii: tuple[float, float],
    turn: float = 0.0,
    *,
    power: float = 2.0,
    points: int = 40,
) -> Curve:
    """Superellipse, :math:`|x / a|^p + |y / b|^p = 1`.

    Parameters
    ----------
    middle, radii : (float, float)
        Its centre, and its radii along both axes before it is turned.
    turn : float
        Radians.
    power : float
        The exponent p: 2 is an ellipse, 4 nearly a box.
    points : int
        On the curve.

    Returns
    -------
    (points, 2) float64

    Examples
    --------
    >>> ellipse((0.0, 0.0), (2.0, 1.0), points=4).round(3) + 0.0
    array([[ 2.,  0.],
           [ 0.,  1.],
           [-2.,  0.],
           [ 0., -1.]])
    """
    angle = np.linspace(0, 2 * np.pi, points, endpoint=False)
    cos, sin = np.cos(angle), np.sin(angle)
    first = radii[0] * np.sign(cos) * np.abs(cos) ** (2 / power)
    second = radii[1] * np.sign(sin) * np.abs(sin) ** (2 / power)
    return np.column_stack(
        [
            middle[0] + first * np.cos(turn) - second * np.sin(turn),
            middle[1] + first * np.sin(turn) + second * np.cos(turn),
        ]
    )


def capsule(
    start: Sequence[float] | Curve, end: Sequence[float] | Curve, first: float, second: float, points: int = 20
) -> Curve:
    """Convex hull of two discs with the radii `first` at `start` and `second` at `end`.

    Returns
    -------
    (2 * points, 2) float64
        Two arcs; a single disc (40, 2) where one of them lies in the other.

    Examples
    --------
    >>> hull = capsule((0.0, 0.0), (5.0, 0.0), 1.0, 1.0)
    >>> hull.min(axis=0).round(2), hull.max(axis=0).round(2)
    (array([-1., -1.]), array([6., 1.]))
    """
    (r0, c0), (r1, c1) = start, end
    distance = float(np.hypot(r1 - r0, c1 - c0))
    if distance <= abs(first - second):
        return ellipse((r0, c0) if first > second else (r1, c1), (max(first, second),) * 2)
    direction = np.arctan2(c1 - c0, r1 - r0)
    open_angle = np.arccos((first - second) / distance)
    far = np.linspace(-open_angle, open_angle, points)
    near = np.linspace(open_angle, 2 * np.pi - open_angle, points)
    arcs = []
    for row, column, radius, turn in ((r1, c1, second, far), (r0, c0, first, near)):
        angle = direction + turn
        arcs.append(np.column_stack([row + radius * np.cos(angle), column + radius * np.sin(angle)]))
    return np.vstack(arcs)


def smooth_closed(control: Curve, points: int = 100) -> Curve:
    """Periodic cubic spline (points, 2) through `control` (N, 2)."""
    closed = np.vstack([control, control[:1]])
    curve: Curve = CubicSpline(np.arange(len(closed)), closed, bc_type="periodic")(
        np.linspace(0, len(control), points, endpoint=False)
    )
    return curve


def strip(line: Curve, half_widths: Sequence[float]) -> Curve:
    """Outline (2 N, 2) of a limb along a polyline (N, 2) with a half width at each of its points.

    Examples
    --------
    >>> strip(np.array([[0.0, 0.0], [2.0, 0.0]]), [0.5, 1.0])
    array([[ 0. ,  0.5],
           [ 2. ,  1. ],
           [ 2. , -1. ],
           [ 0. , -0.5]])
    """
    along = np.gradient(line, axis=0)
    along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), SHORTEST)
    across = np.column_stack([-along[:, 1], along[:, 0]]) * np.asarray(half_widths)[:, None]
    return np.vstack([line + across, (line - across)[::-1]])


def clip_half_plane(curve: Curve, place: Sequence[float], inward: Sequence[float]) -> Curve:
    """Part of a closed curve (N, 2) on the side of a straight line that `inward` points to (Sutherland, Hodgman 1974).

    Parameters
    ----------
    curve : (N, 2) float64
        Its points in order.
    place : (float, float)
        A point of the line.
    inward : (float, float)
        Normal of the line.

    Returns
    -------
    (M, 2) float64
        Closed along the line; empty where nothing is left.

    Examples
    --------
    >>> square = np.array([[0.0, 0.0], [0.0, 2.0], [2.0, 2.0], [2.0, 0.0]])
    >>> clip_half_plane(square, (1.0, 0.0), (1.0, 0.0))
    array([[1., 2.],
           [2., 2.],
           [2., 0.],
           [1., 0.]])
    """
    height = (curve - np.asarray(place)) @ np.asarray(inward)
    following, next_height = np.roll(curve, -1, axis=0), np.roll(height, -1)
    crosses = (height >= 0) != (next_height >= 0)
    share = height / np.where(crosses, height - next_height, 1.0)
    crossings = curve + share[:, None] * (following - curve)
    points = np.stack([curve, crossings], axis=1).reshape(-1, 2)
    clipped: Curve = points[np.stack([height >= 0, crosses], axis=1).ravel()]
    return clipped


def smoothstep(value: Field, start: float, end: float) -> Field:
    """0 below `start`, 1 above `end`, between them :math:`3 x^2 - 2 x^3` of the share x."""
    share = np.clip((value - np.float32(start)) / np.float32(end - start), 0, 1)
    smooth: Field = share * share * (3 - 2 * share)
    return smooth


def bump(u: Field, v: Field, middle: tuple[float, float], half: tuple[float, float]) -> Field:
    """Gaussian bump of height 1 at `middle`, which has fallen to 1/e at the `half` widths (u, v)."""
    down, across = (u - np.float32(middle[0])) / half[0], (v - np.float32(middle[1])) / half[1]
    value: Field = np.exp(-(down**2) - across**2).astype(np.float32)
    return value

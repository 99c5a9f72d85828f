"""Quality lights beside the live picture: two soles, whole, in focus, within the span, emissivity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from prismseg.base import Message
from prismseg.thermal import SKIN_EMISSIVITY, Caution, Frame, Soles, Status

State = Literal["good", "doubtful", "bad"]

# Share of the step across a sole's outline that lies within the nearest pixel on both sides. An edge blurred by one
# pixel (standard deviation) has 0.68 of it there, by three pixels 0.29.
_SHARP = 0.3
_NEAR, _FAR = 1.5, 5.0
_CLIPPED = 0.01
_EMISSIVITY = 0.01


@dataclass(frozen=True)
class Light:
    """One light: its name, its state, and what to do."""

    name: str
    state: State
    text: Message


def lights_of(frame: Frame, soles: Soles) -> tuple[Light, ...]:
    """Judge a live frame.

    Parameters
    ----------
    frame : Frame
        As the camera gave it.
    soles : Soles
        What the network found in it.
    """
    return (_two(soles), _whole(soles), _focus(frame, soles), _span(frame, soles), _emissivity(frame))


def sharpness(celsius: NDArray[np.floating], soles: NDArray[np.bool_]) -> float:
    """Share of the step across the soles' outline that lies within its nearest pixels; NaN without an outline."""
    inside, outside = ndimage.distance_transform_edt(soles), ndimage.distance_transform_edt(~soles)
    filled = np.where(np.isfinite(celsius), celsius, np.nanmedian(celsius))

    def mean_around(band: NDArray[np.bool_]) -> NDArray[np.float64]:
        weight = ndimage.uniform_filter(band.astype(np.float64), 9)
        total = ndimage.uniform_filter(np.where(band, filled, 0.0).astype(np.float64), 9)
        return np.asarray(total / np.where(weight > 0, weight, np.nan))

    outline = soles & (inside <= 1)
    if not outline.any():
        return float("nan")
    near = mean_around(soles & (inside <= _NEAR)) - mean_around(~soles & (outside <= _NEAR))
    far = mean_around(soles & (inside > _NEAR) & (inside <= _FAR)) - mean_around(
        ~soles & (outside > _NEAR) & (outside <= _FAR)
    )
    steps = np.abs(far[outline])
    clear = steps > np.nanmedian(steps)  # where there is an edge worth judging
    return float(np.nanmedian(np.abs(near[outline][clear]) / steps[clear])) if clear.any() else float("nan")


def _two(soles: Soles) -> Light:
    if soles.ok:
        return Light("two soles", "good", Message("Two soles."))
    return Light("two soles", "bad", soles.message)


def _whole(soles: Soles) -> Light:
    if soles.status is Status.CUT:
        return Light("whole", "bad", Message("A sole is cut off. Move the camera back."))
    if not soles.ok:
        return Light("whole", "bad", Message("No two whole soles yet."))
    if Caution.AT_BORDER in soles.cautions:
        return Light("whole", "doubtful", Message("A sole touches the border. Move the camera back a little."))
    return Light("whole", "good", Message("Nothing is cut off."))


def _focus(frame: Frame, soles: Soles) -> Light:
    sharp = sharpness(frame.celsius, soles.cleaned)
    if not np.isfinite(sharp):
        return Light("focus", "doubtful", Message("The focus cannot be judged without soles."))
    if sharp < _SHARP:
        return Light("focus", "doubtful", Message("The outline is blurred. Focus, and hold the camera still."))
    return Light("focus", "good", Message("In focus."))


def _span(frame: Frame, soles: Soles) -> Light:
    values = frame.celsius[soles.cleaned] if soles.cleaned.any() else frame.celsius.ravel()
    low, high = frame.span
    clipped = max(float(np.mean(values == np.float32(low))), float(np.mean(values == np.float32(high))))
    if not np.isfinite(values).all():
        return Light(
            "span", "bad", Message("Some of the soles lies beyond the camera's range. Choose a wider range.")
        )
    if clipped > _CLIPPED:
        return Light(
            "span", "doubtful", Message("The soles reach the end of the camera's range. Choose a wider range.")
        )
    return Light("span", "good", Message("Temperatures lie within the range."))


def _emissivity(frame: Frame) -> Light:
    stated = frame.parameters.emissivity
    if stated is None:
        return Light("emissivity", "doubtful", Message("The camera does not state its emissivity; skin has 0.98."))
    if abs(stated - SKIN_EMISSIVITY) > _EMISSIVITY:
        text = Message(
            "The camera's emissivity is {stated:.2f}; skin has {skin:.2f}.", stated=stated, skin=SKIN_EMISSIVITY
        )
        return Light("emissivity", "doubtful", text)
    return Light("emissivity", "good", Message("Emissivity of skin."))

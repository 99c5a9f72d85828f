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


@dataclass(frozen=True)
class LightSettings:
    """Limits of the lights. They advise before a capture; what is measured is judged by `prismseg.thermal` alone.

    Attributes
    ----------
    least_sharpness : float
        Share of the step across a sole's outline that must lie within the nearest pixels on both sides. An edge that
        was blurred by one pixel (standard deviation) has 0.68 of it there, by three pixels 0.29.
    near, far : float
        Pixels from the outline that count as nearest, and as flanks on both sides.
    window : int
        Side in pixels of the square around a pixel in which both flanks are averaged.
    most_clipped : float
        Share of the soles' pixels that may have the end of the camera's range.
    most_outside : float
        Share of a sole outside the picture from which the camera should be moved before a capture.
    emissivity_tolerance : float
        By which the camera's emissivity may differ from that of skin; 0.01 is 0.1 °C at 33 °C in a room of 23 °C.
    """

    least_sharpness: float = 0.3
    near: float = 1.5
    far: float = 5.0
    window: int = 9
    most_clipped: float = 0.01
    most_outside: float = 0.1
    emissivity_tolerance: float = 0.01


LIGHT_SETTINGS = LightSettings()


@dataclass(frozen=True)
class QualityLight:
    """One light: its name, its state, and what to do."""

    name: str
    state: State
    text: Message


def assess_frame(frame: Frame, soles: Soles, settings: LightSettings = LIGHT_SETTINGS) -> tuple[QualityLight, ...]:
    """Judge a live frame.

    Parameters
    ----------
    frame : Frame
        As the camera gave it.
    soles : Soles
        What the network found in it.
    settings : LightSettings
        Limits.
    """
    return (
        _two_soles(soles),
        _whole_soles(soles, settings),
        _focus(frame, soles, settings),
        _span(frame, soles, settings),
        _emissivity(frame, settings),
    )


def sharpness(
    celsius: NDArray[np.floating], soles: NDArray[np.bool_], settings: LightSettings = LIGHT_SETTINGS
) -> float:
    """Share of the step across the soles' outline that lies within its nearest pixels.

    Parameters
    ----------
    celsius : (H, W) ndarray
        Temperatures; what is not finite counts as the median.
    soles : (H, W) ndarray of bool
        True on both soles.
    settings : LightSettings
        How far from the outline is near, and far.

    Returns
    -------
    float
        Median over the outline where there is an edge worth judging; NaN without an outline.
    """
    near_limit, far_limit = settings.near, settings.far
    inside, outside = ndimage.distance_transform_edt(soles), ndimage.distance_transform_edt(~soles)
    filled = np.where(np.isfinite(celsius), celsius, np.nanmedian(celsius))

    def mean_around(band: NDArray[np.bool_]) -> NDArray[np.float64]:
        weight = ndimage.uniform_filter(band.astype(np.float64), settings.window)
        total = ndimage.uniform_filter(np.where(band, filled, 0.0).astype(np.float64), settings.window)
        return np.asarray(total / np.where(weight > 0, weight, np.nan))

    outline = soles & (inside <= 1)
    if not outline.any():
        return float("nan")
    near = mean_around(soles & (inside <= near_limit)) - mean_around(~soles & (outside <= near_limit))
    far = mean_around(soles & (inside > near_limit) & (inside <= far_limit)) - mean_around(
        ~soles & (outside > near_limit) & (outside <= far_limit)
    )
    steps = np.abs(far[outline])
    clear = steps > np.nanmedian(steps)  # where there is an edge worth judging
    return float(np.nanmedian(np.abs(near[outline][clear]) / steps[clear])) if clear.any() else float("nan")


def _two_soles(soles: Soles) -> QualityLight:
    if soles.status is Status.TWO_SOLES:
        return QualityLight("two soles", "good", Message("Two soles."))
    if soles.ok:
        state: State = "doubtful" if soles.feet == "both" else "good"
        return QualityLight("two soles", state, Message("One sole."))
    return QualityLight("two soles", "bad", soles.message)


def _whole_soles(soles: Soles, settings: LightSettings) -> QualityLight:
    outside = max(soles.outside.values(), default=0.0)
    if soles.status is Status.CUT or soles.too_little or outside > settings.most_outside:
        return QualityLight("whole", "bad", Message("A sole is cut off. Move the camera back."))
    if not soles.ok:
        return QualityLight("whole", "bad", Message("No two whole soles yet."))
    if Caution.AT_BORDER in soles.cautions:
        return QualityLight(
            "whole", "doubtful", Message("A sole touches the border. Move the camera back a little.")
        )
    return QualityLight("whole", "good", Message("Nothing is cut off."))


def _focus(frame: Frame, soles: Soles, settings: LightSettings) -> QualityLight:
    sharp = sharpness(frame.celsius, soles.cleaned, settings)
    if not np.isfinite(sharp):
        return QualityLight("focus", "doubtful", Message("The focus cannot be judged without soles."))
    if sharp < settings.least_sharpness:
        return QualityLight(
            "focus", "doubtful", Message("The outline is blurred. Focus, and hold the camera still.")
        )
    return QualityLight("focus", "good", Message("In focus."))


def _span(frame: Frame, soles: Soles, settings: LightSettings) -> QualityLight:
    values = frame.celsius[soles.cleaned] if soles.cleaned.any() else frame.celsius.ravel()
    low, high = frame.span
    clipped = max(float(np.mean(values == np.float32(low))), float(np.mean(values == np.float32(high))))
    if not np.isfinite(values).all():
        return QualityLight(
            "span", "bad", Message("Some of the soles lies beyond the camera's range. Choose a wider range.")
        )
    if clipped > settings.most_clipped:
        return QualityLight(
            "span", "doubtful", Message("The soles reach the end of the camera's range. Choose a wider range.")
        )
    return QualityLight("span", "good", Message("Temperatures lie within the range."))


def _emissivity(frame: Frame, settings: LightSettings) -> QualityLight:
    stated = frame.parameters.emissivity
    if stated is None:
        return QualityLight(
            "emissivity", "doubtful", Message("The camera does not state its emissivity; skin has 0.98.")
        )
    if abs(stated - SKIN_EMISSIVITY) > settings.emissivity_tolerance:
        text = Message(
            "The camera's emissivity is {stated:.2f}; skin has {skin:.2f}.", stated=stated, skin=SKIN_EMISSIVITY
        )
        return QualityLight("emissivity", "doubtful", text)
    return QualityLight("emissivity", "good", Message("Emissivity of skin."))

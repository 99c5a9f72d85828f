"""A session: frames on a clock from the catheter's test dose, curves of both soles, and what can be said of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from prismseg.base import ConfigError, DataError, Message
from prismseg.thermal.anatomy import REGIONS, SIDES, Side
from prismseg.thermal.frames.frame import Frame, Parameters
from prismseg.thermal.sessions.background import Background
from prismseg.thermal.sessions.changes import Value, asymmetry, background, beyond_background, delta, rate
from prismseg.thermal.sessions.drift import check_drift
from prismseg.thermal.sessions.entry import Concern, Entry, FrameRejected, Observation
from prismseg.thermal.sessions.flags.find import find_flags
from prismseg.thermal.sessions.flags.flag import Flag
from prismseg.thermal.sessions.flags.settings import FlagSettings
from prismseg.thermal.sessions.quality import (
    as_frame,
    check_clock,
    check_mask_upright,
    check_parameters,
    check_temperatures,
    observe_camera,
    observe_clipping,
    observe_clocks,
    observe_outlines,
    observe_second_look,
    observe_soles,
    observe_territories,
)
from prismseg.thermal.sessions.tables import differences_table, statements_table, values_table
from prismseg.thermal.sessions.uncertainty import ErrorModel, Estimate, measure_sole
from prismseg.thermal.soles.brightening import find_brightened_sole
from prismseg.thermal.soles.pair import Soles
from prismseg.thermal.soles.pieces import Mask
from prismseg.thermal.soles.sides import View, check_view
from prismseg.thermal.soles.territories import Territories, carry_territories, find_territories

Array = NDArray[np.generic]
_SAME_MINUTES = 0.01  # by which rounded minutes may differ and mean the same times


class Session:
    """Frames of two soles on a clock whose zero is the catheter's test dose.

    A frame that cannot be trusted (not two soles, another unit, a clock that goes back …) is kept with the reason and
    without numbers. The baseline t0 is the last measured frame at or before 0 min; without it nothing that compares
    frames is given. Territories are laid over each sole at t0 and carried to later frames.

    Parameters
    ----------
    view : {"soles-to-camera", "mirrored"}
        How the camera sees the soles.
    errors : ErrorModel, optional
        Standard deviations to reckon with.
    flags : FlagSettings, optional
        Thresholds of flags and quality checks.
    parameters : Parameters, optional
        What every frame should have been measured with; else those of the first measured frame hold. A frame with
        others is kept, and says so.

    Raises
    ------
    ConfigError
        When there is no such view.
    """

    def __init__(
        self,
        view: View = "soles-to-camera",
        *,
        errors: ErrorModel | None = None,
        flags: FlagSettings | None = None,
        parameters: Parameters | None = None,
    ) -> None:
        self.view = check_view(view)
        self.errors = errors or ErrorModel()
        self.settings = flags or FlagSettings()
        self.parameters = parameters
        self._entries: list[Entry] = []
        self._soles: Soles | None = None
        self._anchor: dict[Side, Territories] = {}

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All frames, in the order in which they were added."""
        return tuple(self._entries)

    @property
    def measured(self) -> tuple[Entry, ...]:
        """Frames that have numbers."""
        return tuple(entry for entry in self._entries if entry.ok)

    @property
    def baseline(self) -> Entry | None:
        """Baseline t0: the last measured frame at or before 0 min."""
        return next((entry for entry in reversed(self.measured) if entry.minute <= 0), None)

    def add(
        self,
        frame: Frame | Array,
        mask: Array | None = None,
        *,
        minute: float,
        soles: Soles | None = None,
        brightened: NDArray[np.floating] | None = None,
        source: str | None = None,
    ) -> Entry:
        """Measure the next frame.

        Parameters
        ----------
        frame : Frame or (H, W) array
            Temperatures in °C.
        mask : (H, W) array
            Booleans or labels (all but 0 are sole), or a model's probabilities of sole (float, 0 to 1). It lies on the
            frame's own pixels, so upright where the file was stored turned (`prismseg.thermal.turn_upright`).
        minute : float
            Since the test dose; 0 or less for the baseline.
        soles : Soles, optional
            What was found in the mask, where this is known already; `mask` may then be left out or give the
            probabilities. Leave these out after a correction by hand: they are not about its contour.
        brightened : (H, W) float, optional
            The model's probabilities for the frame with its cold parts brightened
            (`prismseg.thermal.soles.brightening.brighten_cold`): where they give another mean, the errors grow and a
            caution is given.
        source : str, optional
            File or camera; else the frame's.

        Returns
        -------
        Entry
            With numbers, or with the reason why there are none. Bad frames and masks are no errors.

        Raises
        ------
        ConfigError
            When the minute is no finite number, or neither mask nor soles are given.
        """
        if not math.isfinite(minute):
            raise ConfigError(
                Message("The minute is {minute}; state the time since the test dose.", minute=minute)
            )
        if mask is None and soles is None:
            raise ConfigError(
                Message("A frame is measured within a mask; give the mask or the soles found in it.")
            )
        name = source or (frame.source if isinstance(frame, Frame) else "frame")
        found: dict[str, Any] = {"minute": float(minute), "source": name}
        try:
            found["frame"] = made = as_frame(frame, name)
            check_clock(minute, made, self._entries)
            check_parameters(made)
            probability = None if mask is None else _probability(mask)
            if mask is not None and probability is None:
                check_mask_upright(made, np.asarray(mask))
            found["soles"] = seen = soles or self._find_soles(mask if probability is None else probability > 0.5)
            self._check_soles(seen, made, probability, brightened)
            check_temperatures(made, seen, self.settings)
            territories = self._find_territories(seen)
            looks = {} if brightened is None else _again(seen, brightened)
            estimates = self._measure(made, seen, territories, probability, looks)
        except FrameRejected as refusal:
            return self._keep(
                Entry(**found, observations=(Observation(refusal.concern, refusal.message, fatal=True),))
            )
        measured = self.measured
        before, first = (measured[-1], measured[0].frame) if measured else (None, None)
        if self.parameters is None:
            self.parameters = made.parameters
        observations = (
            *observe_soles(seen),
            *observe_territories(territories, carried=bool(self._anchor) and minute > 0),
            *observe_camera(made, first, self.parameters, self.settings),
            *observe_clipping(made, seen, self.settings),
            *observe_outlines(seen, probability, self.settings),
            *observe_second_look(made, estimates, looks, self.settings),
            *observe_clocks(minute, made, before, self.settings),
        )
        entry = Entry(
            **found,
            territories=territories,
            estimates=estimates,
            observations=observations,
            background=Background.from_frame(made.celsius, seen.cleaned),
        )
        offset = check_drift(entry, before, self.baseline, self.settings)
        self._soles = seen
        if minute <= 0 or not self._anchor:
            self._anchor = territories
        return self._keep(replace(entry, observations=(*observations, *offset)))

    def add_failed(self, minute: float, reason: str, source: str = "frame") -> Entry:
        """Keep the place of a frame that could not be read or segmented, with the reason."""
        if not math.isfinite(minute):
            raise ConfigError(
                Message("The minute is {minute}; state the time since the test dose.", minute=minute)
            )
        observation = Observation(Concern.UNREADABLE, Message.of(reason), fatal=True)
        return self._keep(Entry(float(minute), source, observations=(observation,)))

    def retimed(self, minutes: Sequence[float]) -> Session | None:
        """Give the same session on a clock whose zero lies elsewhere, without measuring anew.

        Parameters
        ----------
        minutes : sequence of float
            Of each frame on the new clock.

        Returns
        -------
        Session or None
            None where the frames must be measured anew: one would come to lie on the other side of 0, the times between
            them would change, or a statement names a minute.
        """
        before = [entry.minute for entry in self._entries]
        if len(before) != len(minutes):
            raise ConfigError(
                Message("{given} minutes were given for {frames} frames.", given=len(minutes), frames=len(before))
            )
        shifts = [new - old for new, old in zip(minutes, before, strict=True)]
        crossed = any((old <= 0) != (new <= 0) for new, old in zip(minutes, before, strict=True))
        if crossed or (shifts and max(shifts) - min(shifts) > _SAME_MINUTES):
            return None
        named = (Concern.CLOCK, Concern.DUPLICATE)
        if any(shifts) and any(seen.concern in named for entry in self._entries for seen in entry.observations):
            return None
        made = copy(self)
        made._entries = [
            replace(entry, minute=float(new)) for entry, new in zip(self._entries, minutes, strict=True)
        ]
        return made

    def delta(self, entry: Entry, side: Side, region: str = REGIONS[0]) -> Value:
        """Change of a region from t0 in °C; unknown without t0."""
        return delta(entry, self.baseline, side, region)

    def background(self, entry: Entry) -> Value:
        """Change from t0 of what is seen beside the soles, in °C; unknown without t0 or where it cannot be told."""
        return background(entry, self.baseline)

    def beyond_background(self, entry: Entry, side: Side, region: str = REGIONS[0]) -> Value:
        """Change of a region from t0 less the background's, in °C; unknown where that is."""
        return beyond_background(entry, self.baseline, side, region)

    def rate(self, entry: Entry, side: Side, region: str = REGIONS[0]) -> Value:
        """Change of a region in °C/min since the measured frame before; unknown without t0."""
        earlier = [other for other in self.measured if other.minute < entry.minute]
        return rate(entry, earlier[-1] if earlier and self.baseline else None, side, region)

    def difference(self, entry: Entry, region: str = REGIONS[0]) -> Value:
        """Right minus left change from t0 in °C; unknown without t0."""
        return asymmetry(entry, self.baseline, region)

    def flags(self) -> tuple[Flag, ...]:
        """Observations on the curves and on the recording."""
        return find_flags(self._entries, self.baseline, self.settings)

    def table(self) -> pd.DataFrame:
        """One row for each frame, side and region; numbers are NaN where there are none.

        Columns: minute, source, status, reason; side, region, method of the territories; pixels, mean, sd, median; then
        mean, delta, rate (°C/min since the measured frame before) and beyond_background (delta less the background's
        change) each with ``_error`` (standard error), ``_low`` and ``_high`` (95 %).
        """
        return values_table(self)

    def differences(self) -> pd.DataFrame:
        """Right minus left change from t0, one row for each frame and region."""
        return differences_table(self)

    def statements(self) -> pd.DataFrame:
        """One row for each frame: whether it has numbers, why not, the background's change, what a reader should know."""
        return statements_table(self)

    def _keep(self, entry: Entry) -> Entry:
        self._entries.append(entry)
        return entry

    def _find_soles(self, mask: Array | None) -> Soles:
        try:
            return Soles.from_mask(np.asarray(mask), self.view, self._soles)
        except DataError as error:
            raise FrameRejected(Concern.MASK, error.message) from error

    def _check_soles(self, soles: Soles, frame: Frame, *looks: NDArray[np.floating] | None) -> None:
        for shape in (soles.cleaned.shape, *(look.shape for look in looks if look is not None)):
            if shape != frame.size:
                raise FrameRejected(
                    Concern.MASK,
                    Message(
                        "The mask has {mask_width} x {mask_height} pixels and the frame {width} x {height}. Give "
                        "the mask of this very frame.",
                        mask_width=shape[1],
                        mask_height=shape[0],
                        width=frame.size[1],
                        height=frame.size[0],
                    ),
                )
        if soles.view != self.view:
            raise FrameRejected(
                Concern.MASK,
                Message(
                    "The soles were named in the view {view}, the session's is {expected}.",
                    view=Message(soles.view),
                    expected=Message(self.view),
                ),
            )
        if not soles.ok:
            raise FrameRejected(Concern.NOT_TWO_SOLES, soles.message)

    def _find_territories(self, soles: Soles) -> dict[Side, Territories]:
        found = {}
        for side in SIDES:
            sole, first = _mask_of(soles, side), self._anchor.get(side)
            try:
                carried = None if first is None else carry_territories(first, sole)
                found[side] = carried or find_territories(sole, side, self.view)
            except (DataError, np.linalg.LinAlgError):
                continue  # too small or too thin; `observe_territories` says so
        return found

    def _measure(
        self,
        frame: Frame,
        soles: Soles,
        territories: Mapping[Side, Territories],
        probability: NDArray[np.float64] | None,
        looks: Mapping[Side, Mask],
    ) -> dict[Side, Mapping[str, Estimate]]:
        return {
            side: measure_sole(
                frame.celsius,
                _mask_of(soles, side),
                territories[side].registration if side in territories else None,
                errors=self.errors,
                probability=probability,
                brightened=looks.get(side),
            )
            for side in SIDES
        }


def measure_frames(
    frames: Iterable[tuple[float, Frame | Array, Array]],
    view: View = "soles-to-camera",
    *,
    errors: ErrorModel | None = None,
    flags: FlagSettings | None = None,
    parameters: Parameters | None = None,
) -> Session:
    """Measure frames in the order in which they were taken.

    Parameters
    ----------
    frames : iterable of (minute, frame, mask)
        As `Session.add` takes them. They are not sorted: a clock that goes back is stated, not repaired.
    view, errors, flags, parameters
        As `Session` takes them.
    """
    session = Session(view, errors=errors, flags=flags, parameters=parameters)
    for minute, frame, mask in frames:
        session.add(frame, mask, minute=minute)
    return session


def _mask_of(soles: Soles, side: Side) -> Mask:
    mask = soles.side(side)
    if mask is None:
        raise FrameRejected(Concern.NOT_TWO_SOLES, soles.message)
    return mask


def _again(soles: Soles, second: NDArray[np.floating]) -> dict[Side, Mask]:
    """Both soles as a second look sees them."""
    left, right = (_mask_of(soles, side) for side in ("left", "right"))
    return {"left": find_brightened_sole(left, right, second), "right": find_brightened_sole(right, left, second)}


def _probability(mask: Array) -> NDArray[np.float64] | None:
    """Probabilities of sole, None where the mask holds labels (also 0 and 1 as floats)."""
    array = np.asarray(mask)
    if not np.issubdtype(array.dtype, np.floating):
        return None
    values = array.astype(np.float64)
    if not ((values >= 0) & (values <= 1)).all():
        raise FrameRejected(
            Concern.MASK,
            Message(
                "A mask of floating-point numbers holds probabilities from 0 to 1; this one holds others, or NaN. Give "
                "labels as integers."
            ),
        )
    return None if np.isin(values, (0, 1)).all() else values

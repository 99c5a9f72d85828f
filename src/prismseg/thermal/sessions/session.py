"""A session: frames on a clock from the catheter's test dose, curves of both soles, and flags."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from prismseg.base import ConfigError, Message
from prismseg.base.deprecation import renamed
from prismseg.thermal.anatomy import WHOLE_SOLE, Side
from prismseg.thermal.frames.frame import Frame, Parameters
from prismseg.thermal.regions.drawn import DrawnRegions
from prismseg.thermal.regions.region_set import REGION_SETS, region_names
from prismseg.thermal.sessions.changes import (
    Value,
    asymmetry,
    background_change,
    beyond_background,
    delta,
    rate,
)
from prismseg.thermal.sessions.checks.settings import QualitySettings
from prismseg.thermal.sessions.entry import Concern, Entry, Observation
from prismseg.thermal.sessions.flags.find import find_flags
from prismseg.thermal.sessions.flags.flag import Flag
from prismseg.thermal.sessions.flags.settings import FlagSettings
from prismseg.thermal.sessions.history import History
from prismseg.thermal.sessions.means.errors import ErrorModel
from prismseg.thermal.sessions.measurement import FrameInput, MeasurementSettings, measure_frame
from prismseg.thermal.sessions.tables import differences_table, statements_table, values_table
from prismseg.thermal.soles.pair import Soles
from prismseg.thermal.soles.sides import Feet, View, check_feet, check_view

Array = NDArray[np.generic]
# Minutes by which rounded minutes may differ and mean the same times.
_SAME_MINUTES = 0.01


class Session:
    """Frames of two soles on a clock whose zero is the catheter's test dose.

    A frame that cannot be trusted (no sole, another unit, a clock that goes back …) is kept without numbers, with the
    reason; a foot that is absent in a frame costs only its own numbers. The baseline t0 is the last measured frame at or
    before 0 min; without it nothing that compares frames is given. Territories are laid over each sole at t0 and
    carried to later frames.

    Parameters
    ----------
    view : {"soles-to-camera", "mirrored"}
        How the camera sees the soles.
    feet : {"both", "left", "right"}
        One side where the other foot is missing, in a cast or covered throughout: nothing is then compared between left
        and right.
    crossed : iterable of float, optional
        Minutes of the frames in which the legs are crossed, so that each sole lies at the other one's place; empty where
        none is. Without it every frame is compared with t0, and where outline, pattern and level of temperature speak for
        a crossing no change is given and the question is asked.
    errors : ErrorModel, optional
        Standard deviations to reckon with.
    flags : FlagSettings, optional
        Thresholds of flags and quality checks.
    parameters : Parameters, optional
        What every frame should have been measured with; else those of the first measured frame hold. A frame with
        others is kept, and says so.
    regions : sequence of str, optional
        Sets of regions to measure, by name in `REGION_SETS`; all of them unless stated.
    drawn : DrawnRegions, optional
        Regions that were drawn on one of the frames.

    Raises
    ------
    ConfigError
        When there is no such view or set of regions, two regions share a name, or `feet` is none of the three.

    Examples
    --------
    >>> from prismseg.thermal.phantom import draw_subject
    >>> session, subject = Session(), draw_subject(seed=5, number=0)
    >>> for minute in (0, 5, 10):
    ...     frame = subject.frame_at(minute)
    ...     entry = session.add(frame.celsius, frame.mask, minute=minute)
    >>> [entry.ok for entry in session.entries], session.baseline is session.entries[0]
    ([True, True, True], True)
    >>> change = session.delta(session.entries[2], "left")
    >>> change.low < change.value < change.high
    True
    """

    def __init__(
        self,
        view: View = "soles-to-camera",
        *,
        feet: Feet = "both",
        crossed: Iterable[float] | None = None,
        errors: ErrorModel | None = None,
        flags: FlagSettings | None = None,
        parameters: Parameters | None = None,
        regions: Sequence[str] | None = None,
        drawn: DrawnRegions | None = None,
    ) -> None:
        self.settings = FlagSettings() if flags is None else flags
        quality = self.settings.group(QualitySettings)
        self.region_sets = tuple(REGION_SETS.names() if regions is None else regions)
        sets = tuple(REGION_SETS[name] for name in self.region_sets)
        self.regions = (*region_names(sets), *(() if drawn is None else drawn.names))
        self.drawn = drawn
        stated = None if crossed is None else frozenset(float(minute) for minute in crossed)
        self._measurement = MeasurementSettings(
            check_view(view), errors or ErrorModel(), quality, sets, drawn, check_feet(feet), stated
        )
        self.history = History(stated_parameters=parameters, feet=feet)

    @property
    def view(self) -> View:
        """How the camera sees the soles."""
        return self._measurement.view

    @property
    def feet(self) -> Feet:
        """Which feet the session is about."""
        return self._measurement.feet

    @property
    def errors(self) -> ErrorModel:
        """Standard deviations that are reckoned with."""
        return self._measurement.errors

    @property
    def parameters(self) -> Parameters | None:
        """What every frame should have been measured with: what was stated, else those of the first measured frame."""
        return self.history.parameters

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All frames, in the order in which they were added."""
        return self.history.entries

    @property
    def measured(self) -> tuple[Entry, ...]:
        """Frames that have numbers."""
        return self.history.measured

    @property
    def baseline(self) -> Entry | None:
        """Baseline t0: the last measured frame at or before 0 min."""
        return self.history.baseline

    @renamed(second="brightened")
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
        given = FrameInput(float(minute), name, frame, mask, soles, brightened)
        return self._keep(measure_frame(given, self.history, self._measurement))

    def add_failed(self, minute: float, reason: str, source: str = "frame") -> Entry:
        """Keep the place of a frame that could not be read or segmented, with the reason.

        Parameters
        ----------
        minute : float
            Since the test dose.
        reason : str or Message
            What is wrong and what to do.
        source : str
            File or camera.

        Raises
        ------
        ConfigError
            When the minute is no finite number.

        Examples
        --------
        >>> str(Session().add_failed(5, "The file is empty.", "t5.jpg").statement)
        '5 min: no numbers. The file is empty.'
        """
        if not math.isfinite(minute):
            raise ConfigError(
                Message("The minute is {minute}; state the time since the test dose.", minute=minute)
            )
        observation = Observation(Concern.UNREADABLE, Message.of(reason), fatal=True)
        return self._keep(Entry(float(minute), source, observations=(observation,)))

    def retimed(self, minutes: Sequence[float]) -> Session | None:
        """Return the same session on a clock with another zero, without measuring again.

        Parameters
        ----------
        minutes : sequence of float
            Of each frame on the new clock.

        Returns
        -------
        Session or None
            None where the frames must be measured again: one would come to the other side of 0, the times between them
            would change, or a sentence names a minute.
        """
        before = [entry.minute for entry in self.entries]
        if len(before) != len(minutes):
            raise ConfigError(
                Message("{given} minutes were given for {frames} frames.", given=len(minutes), frames=len(before))
            )
        shifts = [new - old for new, old in zip(minutes, before, strict=True)]
        crossed = any((old <= 0) != (new <= 0) for new, old in zip(minutes, before, strict=True))
        if crossed or (shifts and max(shifts) - min(shifts) > _SAME_MINUTES):
            return None
        named = (Concern.CLOCK, Concern.DUPLICATE)
        if any(shifts) and any(seen.concern in named for entry in self.entries for seen in entry.observations):
            return None
        shifted = copy(self)
        shifted.history = replace(
            self.history,
            entries=tuple(
                replace(entry, minute=float(new)) for entry, new in zip(self.entries, minutes, strict=True)
            ),
        )
        return shifted

    def delta(self, entry: Entry, side: Side, region: str = WHOLE_SOLE) -> Value:
        """Change of a region from t0 in °C; unknown without t0."""
        return delta(entry, self.baseline, side, region)

    def background(self, entry: Entry) -> Value:
        """Change of the background from t0 in °C; unknown without t0 or where it cannot be measured."""
        return background_change(entry, self.baseline)

    def beyond_background(self, entry: Entry, side: Side, region: str = WHOLE_SOLE) -> Value:
        """Change of a region from t0 less the background's, in °C; unknown where that is."""
        return beyond_background(entry, self.baseline, side, region)

    def rate(self, entry: Entry, side: Side, region: str = WHOLE_SOLE) -> Value:
        """Change of a region in °C/min since the measured frame before; unknown without t0."""
        return rate(entry, self.history.before(entry.minute) if self.baseline else None, side, region)

    def difference(self, entry: Entry, region: str = WHOLE_SOLE) -> Value:
        """Right minus left change from t0 in °C; unknown without t0."""
        return asymmetry(entry, self.baseline, region)

    def flags(self) -> tuple[Flag, ...]:
        """Look for flags: observations on the curves and on the recording (`find_flags`)."""
        return find_flags(self.entries, self.baseline, self.settings, feet=self.feet)

    def table(self) -> pd.DataFrame:
        """Tabulate the values, one row for each frame, side and region; numbers are NaN where there are none.

        Columns: minute, source, status, reason; side, region, method of the territories; pixels, mean, sd, median, min,
        max and percentiles (p5 …); then mean, delta, rate (°C/min since the measured frame before) and beyond_background
        (delta less the background's change) each with ``_error`` (standard error), ``_low`` and ``_high`` (95 %).
        """
        return values_table(self.history, self.regions)

    def differences(self) -> pd.DataFrame:
        """Tabulate right minus left change from t0 in °C, one row for each frame and region."""
        return differences_table(self.history, self.regions)

    def statements(self) -> pd.DataFrame:
        """Tabulate the frames, one row for each.

        Columns: status, reason, the background's change in °C, cautions, notes (how numbers were made), and the share of
        each sole outside the picture.
        """
        return statements_table(self.history)

    def _keep(self, entry: Entry) -> Entry:
        self.history = self.history.with_entry(entry)
        return entry


def measure_frames(
    frames: Iterable[tuple[float, Frame | Array, Array]],
    view: View = "soles-to-camera",
    *,
    feet: Feet = "both",
    errors: ErrorModel | None = None,
    flags: FlagSettings | None = None,
    parameters: Parameters | None = None,
) -> Session:
    """Measure frames in the order in which they were taken.

    Parameters
    ----------
    frames : iterable of (minute, frame, mask)
        As `Session.add` takes them. They are not sorted: a clock that goes back is stated, not repaired.
    view, feet, errors, flags, parameters
        As `Session` takes them.
    """
    session = Session(view, feet=feet, errors=errors, flags=flags, parameters=parameters)
    for minute, frame, mask in frames:
        session.add(frame, mask, minute=minute)
    return session

"""One frame from its array to its entry in a session, stage by stage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prismseg.base import DataError
from prismseg.thermal.anatomy import Side
from prismseg.thermal.frames.frame import Frame
from prismseg.thermal.regions.drawn import DrawnRegions
from prismseg.thermal.regions.region_set import RegionSet
from prismseg.thermal.sessions.background import Background
from prismseg.thermal.sessions.checks.acceptance import SoleMask, accept_frame, accept_mask, accept_soles
from prismseg.thermal.sessions.checks.cautions import Outlines, find_cautions, find_notes
from prismseg.thermal.sessions.checks.framing import find_leg_entries, seen_from_above
from prismseg.thermal.sessions.checks.identity import check_identity
from prismseg.thermal.sessions.checks.settings import QualitySettings
from prismseg.thermal.sessions.entry import Concern, Entry, FrameRejected, Observation
from prismseg.thermal.sessions.history import History
from prismseg.thermal.sessions.means.errors import ErrorModel
from prismseg.thermal.sessions.means.sole import measure_sole
from prismseg.thermal.soles.brightening import find_brightened_sole
from prismseg.thermal.soles.choosing.apart import find_doubtful_parts
from prismseg.thermal.soles.choosing.outside import place_same_foot
from prismseg.thermal.soles.choosing.unlike import find_unlike_toes
from prismseg.thermal.soles.pair import Soles
from prismseg.thermal.soles.pieces import Mask
from prismseg.thermal.soles.sides import Feet, View
from prismseg.thermal.soles.status import Caution
from prismseg.thermal.soles.territories import Territories, carry_territories, find_territories, place_territories


@dataclass(frozen=True, eq=False)
class FrameInput:
    """What is given of one frame; see `prismseg.thermal.Session.add`.

    Attributes
    ----------
    minute : float
        Since the test dose.
    source : str
        File or camera.
    frame : Frame or (H, W) array
        Temperatures in °C.
    mask : (H, W) array or None
        Labels, or a model's probabilities of sole.
    soles : Soles or None
        What was found in the mask, where this is known already.
    brightened : (H, W) float or None
        The model's probabilities for the frame with its cold parts brightened.
    """

    minute: float
    source: str
    frame: Frame | NDArray[Any]
    mask: NDArray[Any] | None = None
    soles: Soles | None = None
    brightened: NDArray[np.floating] | None = None


@dataclass(frozen=True)
class MeasurementSettings:
    """How frames of a session are measured.

    Attributes
    ----------
    view : View
        How the camera sees the soles.
    errors : ErrorModel
        Standard deviations to reckon with.
    quality : QualitySettings
        Thresholds of the checks.
    regions : tuple of RegionSet
        What is measured beyond the whole sole.
    drawn : DrawnRegions or None
        Regions that were drawn on one of the frames.
    feet : Feet
        Both, or the one that the session is about.
    crossed : frozenset of float or None
        Minutes of the frames with crossed legs, stated by somebody who knows; None where nobody has, so that every frame
        is compared with t0.
    """

    view: View
    errors: ErrorModel
    quality: QualitySettings
    regions: tuple[RegionSet, ...] = ()
    drawn: DrawnRegions | None = None
    feet: Feet = "both"
    crossed: frozenset[float] | None = None


def measure_frame(given: FrameInput, history: History, settings: MeasurementSettings) -> Entry:
    """Measure the next frame of a session.

    Accept the frame; accept its mask; find the soles in it; accept the soles; lay territories over them; measure each
    region; look for cautions. A rejection at any stage gives an entry with what was known by then, the reason, and no
    numbers.

    Parameters
    ----------
    given : FrameInput
        The frame.
    history : History
        The session so far.
    settings : MeasurementSettings
        View, error model and thresholds.
    """
    entry = Entry(given.minute, given.source)
    try:
        frame = accept_frame(given.frame, given.source, given.minute, history.entries)
        entry = replace(entry, frame=frame)
        mask = None if given.mask is None else accept_mask(given.mask, frame)
        soles = given.soles or _find_soles(mask, settings, history)
        if given.minute in (settings.crossed or ()):
            soles = soles.exchanged()
        entry = replace(entry, soles=soles)
        probability = None if mask is None else mask.probability
        masks = accept_soles(
            soles, frame, settings.view, settings.feet, (probability, given.brightened), settings.quality.plausible
        )
    except FrameRejected as rejection:
        return replace(entry, observations=(Observation(rejection.concern, rejection.message, fatal=True),))
    above, open_end = _framing(soles, frame, history.reference)
    entry = replace(entry, from_above=above, open_end=open_end)
    outlines = Outlines(masks, probability, _brightened_masks(masks, given.brightened))
    territories = {} if open_end else _find_territories(masks, soles, settings.view, history)
    drawn = _place_drawn(settings.drawn, given.source, territories, history)
    entries = find_leg_entries(masks, frame.celsius, soles.cleaned) if open_end else {}
    unlike = find_unlike_toes(masks, entries) if open_end else {}
    doubtful = find_doubtful_parts(soles.cleaned, soles.apart, frame.celsius)
    estimates = {
        side: measure_sole(
            frame.celsius,
            masks[side],
            territories[side].registration if side in territories else None,
            regions=(*settings.regions, *drawn.get(side, ())),
            errors=settings.errors,
            probability=probability,
            brightened=outlines.brightened.get(side),
            outside=soles.outside.get(side, 0.0),
            with_leg=open_end,
            leg_entry=entries.get(side),
            doubtful=doubtful,
            unlike=unlike.get(side),
        )
        for side in masks
    }
    background = Background.from_frame(frame.celsius, soles.cleaned)
    entry = replace(entry, territories=territories, drawn=drawn, estimates=estimates, background=background)
    observations = find_cautions(entry, outlines, history, settings.quality)
    if settings.crossed is None:
        observations += tuple(check_identity(entry, history.reference))
    return replace(entry, observations=observations, notes=find_notes(entry, history))


def _find_soles(mask: SoleMask | None, settings: MeasurementSettings, history: History) -> Soles:
    assert mask is not None  # `Session.add` asks for a mask where no soles are given
    try:
        return Soles.from_mask(
            mask.labels,
            settings.view,
            _previous_soles(settings, history),
            feet=settings.feet,
            probability=mask.probability,
            whole=None if history.reference is None else history.reference.soles,
        )
    except DataError as error:
        raise FrameRejected(Concern.MASK, error.message) from error


def _framing(soles: Soles, frame: Frame, reference: Entry | None) -> tuple[bool, bool]:
    """Whether feet are seen from above, and whether it is open where they end; both as at t0 where it was so there."""
    above = seen_from_above(soles, frame.celsius)
    down = (
        Caution.TOES_DOWN in soles.cautions
    )  # the template has its toes up, so that there are no territories either
    if reference is None:
        return above, above or down
    return above or reference.from_above, above or down or reference.open_end


def _previous_soles(settings: MeasurementSettings, history: History) -> Soles | None:
    """Give the soles as last seen, by their places: where legs were crossed they lay at each other's."""
    last = history.sure
    if last is None or last.soles is None:
        return None
    return last.soles.exchanged() if last.minute in (settings.crossed or ()) else last.soles


def _brightened_masks(masks: Mapping[Side, Mask], brightened: NDArray[np.floating] | None) -> Mapping[Side, Mask]:
    """Give the soles as found in the brightened frame; empty where there is none."""
    if brightened is None:
        return {}
    everything = np.logical_or.reduce(list(masks.values()))
    return {side: find_brightened_sole(sole, everything & ~sole, brightened) for side, sole in masks.items()}


def _place_drawn(
    drawn: DrawnRegions | None, source: str, territories: Mapping[Side, Territories], history: History
) -> Mapping[Side, Sequence[RegionSet]]:
    """Place the regions that were drawn, by the frame that they were drawn on; none before it."""
    if drawn is None:
        return {}
    if source == drawn.source:
        return drawn.place(territories)
    there = next((entry for entry in history.measured if entry.source == drawn.source), None)
    return {} if there is None else drawn.place(there.territories)


def _find_territories(
    masks: Mapping[Side, Mask], soles: Soles, view: View, history: History
) -> dict[Side, Territories]:
    """Carry the territories of t0 to each sole, or register them again where its pose does not allow that."""
    found: dict[Side, Territories] = {}
    for side, sole in masks.items():
        first = history.reference_territories.get(side)
        try:
            carried = None if first is None else _carry(first, sole, cut=side in soles.outside)
            found[side] = carried or find_territories(sole, side, view)
        except (DataError, np.linalg.LinAlgError):
            continue  # too small or too thin; a caution says so
    return found


def _carry(first: Territories, sole: Mask, *, cut: bool) -> Territories | None:
    before = first.labels > 0
    if not cut or before.shape != sole.shape:
        return carry_territories(first, sole)
    return place_territories(first, sole, place_same_foot(sole, before))

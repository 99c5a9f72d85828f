"""Whether each sole is still the same foot's as at t0: legs may be crossed, or the camera turned, in mid-session."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from prismseg.base import Message
from prismseg.thermal.anatomy import SIDE_NAMES, SIDES, Side
from prismseg.thermal.sessions.checks.scene import compare_scenes
from prismseg.thermal.sessions.entry import Concern, Entry, Observation
from prismseg.thermal.soles.choosing.likeness import Portrait
from prismseg.thermal.soles.status import Caution


@dataclass(frozen=True)
class IdentitySettings:
    """What outlines, patterns and levels say of two readings: names kept, or exchanged.

    Each is scaled so that 1 is what tells both apart in one simulated frame in six; chosen on simulated sessions of all
    domains, in which a crossing gives the same evidence with the other sign (`benchmarks/thermal.py`).

    Attributes
    ----------
    outline : float
        Difference of overlaps with the own and with the other foot's outline.
    pattern : float
        Difference of correlations with the own and with the other foot's pattern of temperatures.
    level : float
        Difference in °C between the soles' change against each other under both readings; it counts in full only where
        one reading needs none.
    most_level : float
        Most that the level counts for: one foot may warm and the other not.
    crossed : float
        Sum of the three at or below which the names are in doubt.
    turned : float
        Difference of overlaps from which the soles stand on their heads.
    most_outside : float
        Share of a sole outside the picture up to which its outline can be compared.
    scene : float
        Difference of correlations with what lay around the soles at t0 and with its mirror image.
    mirrored : float
        Sum of outline, pattern and scene at or below which the whole picture may be mirrored.
    mirrored_scene : (float, float)
        The scene's own part at or below which it may be: with soles to compare, and where none is whole enough.
    least_scene : float
        Correlation with the mirrored scene below which there is no scene, but noise.
    """

    outline: float = 0.04
    pattern: float = 0.15
    level: float = 0.8
    most_level: float = 1.0
    crossed: float = 0.5
    turned: float = 0.04
    most_outside: float = 0.1
    scene: float = 0.2
    mirrored: float = -0.4
    mirrored_scene: tuple[float, float] = (-0.25, -1.0)
    least_scene: float = 0.3


_IDENTITY = IdentitySettings()


def check_identity(entry: Entry, reference: Entry | None) -> list[Observation]:
    """Compare the soles of a frame with those of an earlier one, each with the own and with the other foot.

    Parameters
    ----------
    entry : Entry
        The frame, measured.
    reference : Entry or None
        t0, or the first measured frame.

    Returns
    -------
    list of Observation
        Empty where the names hold, or nothing can be said.
    """
    if reference is None or reference is entry or reference.sides_open:
        return []
    now, before = _portraits(entry), _portraits(reference)
    if len(before) < 2:
        against = _against(entry) and not _against(reference)
        return _of_one_foot(now, before, against=against) if len(before) == 1 else []
    if _mirrored(now, before, compare_scenes(entry, reference)):
        return [Observation(Concern.SIDES_OPEN, _MIRRORED)]
    if len(now) < len(entry.estimates) and _against(entry) and not _against(reference):
        # A sole is cut, so that outlines and patterns cannot be weighed; what is seen of both has the other foot's shape.
        return [_doubt(_CROSSED)]
    if len(now) == 1:
        return _lone(now, before)
    if not now:
        return []
    if _turned(now, before):
        return [_doubt(_TURNED)]
    return [_doubt(_CROSSED)] if evidence(now, before) <= _IDENTITY.crossed else []


def evidence(now: Mapping[Side, Portrait], before: Mapping[Side, Portrait]) -> float:
    """Weigh what speaks for the names as they are against what speaks for the exchanged ones.

    Parameters
    ----------
    now, before : mapping of side to Portrait
        Both soles of two frames.

    Returns
    -------
    float
        Above 0 where outline, pattern and level speak for the names; exchanging the names changes the sign.
    """
    outline = _difference(now, before, Portrait.overlap) / _IDENTITY.outline
    pattern = _difference(now, before, Portrait.correlation) / _IDENTITY.pattern
    apart = before["left"].mean - before["right"].mean
    difference = now["left"].mean - now["right"].mean
    level = (abs(difference + apart) - abs(difference - apart)) / 2 / _IDENTITY.level
    bounded = max(min(level, _IDENTITY.most_level), -_IDENTITY.most_level)
    return outline + pattern + bounded


def _against(entry: Entry) -> bool:
    """Whether the soles' shapes speak against their names, where both are seen from their soles."""
    return entry.soles is not None and Caution.SHAPE in entry.soles.cautions and not entry.from_above


def _difference(now: Mapping[Side, Portrait], before: Mapping[Side, Portrait], alike: object) -> float:
    assert callable(alike)
    own = alike(now["left"], before["left"]) + alike(now["right"], before["right"])
    other = alike(now["left"], before["right"]) + alike(now["right"], before["left"])
    return float(own - other) / 2


def _portraits(entry: Entry) -> dict[Side, Portrait]:
    """Draw the soles that are whole enough to be compared."""
    soles, frame = entry.soles, entry.frame
    if soles is None or frame is None:
        return {}
    return {
        side: Portrait.draw(sole, frame.celsius)
        for side, sole in (soles.masks or {}).items()
        if side in entry.estimates and soles.outside.get(side, 0.0) <= _IDENTITY.most_outside
    }


def _turned(now: Mapping[Side, Portrait], before: Mapping[Side, Portrait]) -> bool:
    """Whether both soles fit better upside down: as the other side's, at whose place they lie, or as their own."""
    upright = sum(now[side].overlap(before[side]) for side in before) / 2
    exchanged: Mapping[Side, Side] = {"left": "right", "right": "left"}
    fits = [
        sum(now[side].turned().overlap(before[other]) for side, other in exchanged.items()) / 2,
        sum(now[side].turned().overlap(before[side]) for side in before) / 2,
    ]
    return max(fits) > upright + _IDENTITY.turned


def _mirrored(now: Mapping[Side, Portrait], before: Mapping[Side, Portrait], scenes: tuple[float, float]) -> bool:
    """Whether the whole picture is mirrored: each sole lies at the other one's place and has the other hand.

    So the shapes agree with the names; what tells it is what lies around the soles, and what sets one foot apart from the
    other one mirrored. The scene must speak for it; soles without any pattern say nothing but noise.
    """
    as_it_is, mirrored = scenes
    around = (as_it_is - mirrored) / _IDENTITY.scene
    if not (around <= _IDENTITY.mirrored_scene[not now] and mirrored >= _IDENTITY.least_scene):
        return False
    if not now:
        return True
    fits = [_apart(now[side], before[side], before[_other(side)].mirrored()) for side in now]
    return around + sum(fits) / len(fits) <= _IDENTITY.mirrored


def _apart(sole: Portrait, one: Portrait, other: Portrait) -> float:
    """How much better a sole fits one at t0 than another, by outline and pattern."""
    outline = (sole.overlap(one) - sole.overlap(other)) / _IDENTITY.outline
    return outline + (sole.correlation(one) - sole.correlation(other)) / _IDENTITY.pattern


def _other(side: Side) -> Side:
    return SIDES[1 - SIDES.index(side)]


def _lone(now: Mapping[Side, Portrait], before: Mapping[Side, Portrait]) -> list[Observation]:
    ((side, portrait),) = now.items()
    apart = _apart(portrait, before[side], before[_other(side)])
    if math.isfinite(apart) and apart > 2 * _IDENTITY.crossed:
        return []
    sentence = Message(
        "The one sole that was found lies where the {side} one was and looks like the other: changes are not given. Take "
        "the frame again with both soles.",
        side=SIDE_NAMES[side],
    )
    return [Observation(Concern.SIDES_OPEN, sentence)]


def _of_one_foot(
    now: Mapping[Side, Portrait], before: Mapping[Side, Portrait], *, against: bool
) -> list[Observation]:
    """Ask whether a lone foot is the other one: it fits that of t0 better mirrored, or is cut and has its shape."""
    ((side, first),) = before.items()
    if now and now.keys() != before.keys():
        return []
    if now:
        against = _apart(now[side], first, first.mirrored()) <= 0
    sentence = Message(
        "Is this the other foot? Mirrored, it looks more like the {side} one at t0 (outline and pattern of "
        "temperature), so that changes are not given. Take the frame again with the {side} foot.",
        side=SIDE_NAMES[side],
    )
    return [Observation(Concern.SIDES_OPEN, sentence)] if against else []


_CROSSED = Message("Have the legs been crossed since t0?")
_TURNED = Message("Is the camera, or the picture, upside down?")
_MIRRORED = Message(
    "Is the picture mirrored, or was the one at t0? Background and soles look more like those at t0 mirrored left to "
    "right, so that the sides may be exchanged and changes are not given. Take or export the frame again as at t0; if "
    "neither is mirrored, say that no frame is crossed."
)


def _doubt(question: Message) -> Observation:
    sentence = Message(
        "{question} Each sole looks like the other one at t0 (outline, pattern and level of temperature), so that "
        "changes are not given. Take the frame again as at t0; in a recorded session say which frames are crossed, "
        "or that none is.",
        question=question,
    )
    return Observation(Concern.SIDES_OPEN, sentence)

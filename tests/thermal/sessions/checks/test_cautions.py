"""What a reader of a frame's numbers should know."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from scipy import ndimage
from tests.thermal.feet import Foot, frame_of, pair
from tests.thermal.sessions.test_session import concerns, course, value

from prismseg.thermal import (
    WHOLE_SOLE,
    Frame,
    Parameters,
    Session,
    measure_frames,
)


def test_parameters_are_locked() -> None:
    def session(locked: Parameters | None, *emissivities: float) -> Session:
        made = Session(parameters=locked)
        for number, emissivity in enumerate(emissivities):
            frame, mask = frame_of(27.0, 27.0, seed=number, parameters=Parameters(emissivity=emissivity))
            made.add(frame, mask, minute=5.0 * number)
        return made

    assert concerns(session(None, 0.98, 0.98)) == [set(), set()]
    changed = session(None, 0.98, 0.95)
    assert concerns(changed) == [set(), {"parameters changed"}]
    assert "emissivity 0.95 instead of 0.98" in changed.entries[1].cautions[0]
    assert changed.entries[1].ok and math.isnan(value(changed, "delta", 5))
    assert concerns(session(Parameters(emissivity=0.95), 0.98, 0.95)) == [{"parameters changed"}, set()]


def test_another_size_is_kept_and_stated() -> None:
    session = course((0, 27.0, 27.0))
    frame, mask = frame_of(28.0, 28.0, seed=3)
    doubled = np.kron(frame.celsius, np.ones((2, 2))), np.kron(mask, np.ones((2, 2), bool))
    entry = session.add(*doubled, minute=5)
    assert entry.ok and concerns(session)[1] == {"size changed"}
    assert value(session, "delta", 5) == pytest.approx(1.0, abs=0.02)
    assert entry.territories["left"].method == "carried"


def test_span_and_clipping_of_grey_pictures_are_stated() -> None:
    session = Session()
    for number, high in enumerate((34.0, 28.0)):
        frame, mask = frame_of(27.0, 29.0, seed=number)
        session.add(Frame(np.clip(frame.celsius, 20.0, high), kind="grey"), mask, minute=5.0 * number)
    assert concerns(session)[1] == {"span changed", "clipped temperatures"}
    assert any("right sole has exactly" in caution for caution in session.entries[1].cautions)


def test_a_jump_of_the_whole_frame_is_a_shutter_event() -> None:
    def after(left: float, right: float, ground: float) -> set[str]:
        session = course((0, 27.0, 27.0))
        session.add(*frame_of(left, right, ground=ground, seed=1), minute=5)
        return concerns(session)[1]

    assert after(28.5, 28.5, 23.5) == {"shutter event"}
    assert after(25.8, 25.6, 20.7) == {"shutter event"}
    assert after(28.5, 28.5, 22.0) == set()  # the feet alone
    assert after(27.0, 27.0, 23.5) == {"background changed"}  # the room alone
    assert after(28.5, 27.0, 23.5) == {"background changed"}  # one foot and the room
    assert after(27.5, 27.5, 22.5) == {"background changed"}  # too little for a shutter
    assert after(27.2, 27.2, 22.2) == set()


def test_the_cameras_clock_is_compared() -> None:
    start = datetime(2026, 5, 1, 10, 0, tzinfo=UTC)

    def stated(minute: float, passed: float, *, naive: bool = False) -> set[str]:
        session = Session()
        session.add(*frame_of(27.0, 27.0, seed=1, time=start), minute=0)
        time = start + timedelta(minutes=passed)
        frame, mask = frame_of(27.0, 27.0, seed=2, time=time.replace(tzinfo=None) if naive else time)
        session.add(frame, mask, minute=minute)
        assert session.entries[1].ok
        return concerns(session)[1]

    assert stated(5, 5.4) == set()
    assert stated(5, 15) == {"clock"}
    assert stated(5, -2) == {"clock"}
    assert stated(5, 15, naive=True) == set()


def test_territories_are_carried_and_registered_afresh_where_the_pose_differs() -> None:
    session = course((0, 27.0, 27.0), (5, 27.0, 27.0))
    session.add(*frame_of(27.0, 27.0, pair(turn=20), seed=7), minute=10)
    turned = tuple(
        Foot(foot.side, foot.centre, foot.length, turn) for foot, turn in zip(pair(), (35.0, 0.0), strict=True)
    )
    session.add(*frame_of(27.0, 27.0, turned, seed=8), minute=15)
    methods = [entry.territories["left"].method for entry in session.entries]
    assert methods == ["registered", "carried", "carried", "registered"]
    assert session.entries[3].territories["right"].method == "carried"
    assert concerns(session) == [set()] * 4, "the numbers of the whole sole are as good as before"
    assert "left sole's pose" in session.entries[3].notes[0]


def test_small_soles_are_measured_without_territories() -> None:
    size = (60, 80)
    feet = Foot("left", (30.0, 56.0), 24.0), Foot("right", (30.0, 24.0), 24.0)
    mask = feet[0].mask(size) | feet[1].mask(size)
    celsius = np.where(mask, 29.0, 22.0) + np.random.default_rng(0).normal(0, 0.05, size)
    session = measure_frames([(0, celsius, mask)])
    assert session.entries[0].ok and concerns(session) == [{"territories"}]
    table = session.table().set_index(["side", "region"])
    assert table["mean"][("left", WHOLE_SOLE)] == pytest.approx(29.0, abs=0.05)
    assert table["mean"][("left", "sural")] != table["mean"][("left", "sural")]


@pytest.mark.parametrize(("halo", "said"), [(0, False), (1, False), (4, True)])
def test_a_network_that_is_unsure_of_an_outline_is_quoted(halo: int, said: bool) -> None:
    """A band of even odds around both soles: one pixel wide it is a usual outline, four pixels wide it is doubt."""
    frame, mask = frame_of(27.0, 29.0)
    band = ndimage.binary_dilation(mask, iterations=halo) & ~mask if halo else np.zeros_like(mask)
    entry = Session().add(frame, np.where(mask, 0.99, np.where(band, 0.4, 0.01)), minute=0)
    assert entry.ok
    assert any("Where the left sole's outline runs is unsure" in text for text in entry.cautions) == said
    assert not any("unsure" in text for text in Session().add(frame, mask, minute=0).cautions)


@pytest.mark.parametrize(("factor", "said"), [(0.97, False), (0.93, False), (0.85, True)])
def test_a_sole_that_is_clearly_smaller_is_stated(factor: float, said: bool) -> None:
    """Areas go with the square: 0.93² = 0.86 of the other sole may be, 0.85² = 0.72 is not."""
    left, right = pair()
    smaller = Foot(left.side, left.centre, length=left.length * factor)
    frame, mask = frame_of(27.0, 29.0, (smaller, right))
    cautions = Session().add(frame, mask, minute=0).cautions
    assert any("clearly smaller" in text for text in cautions) == said


@pytest.mark.parametrize(("factor", "said"), [(0.97, False), (0.88, True)])
def test_a_sole_that_became_smaller_than_at_t0_is_stated(factor: float, said: bool) -> None:
    """Unequal soles are as they are; an outline that loses a part against the other one, 0.88² = 0.77, is not."""
    left, right = pair()
    session = course((0, 27.0, 29.0))
    smaller = Foot(left.side, left.centre, length=left.length * factor)
    frame, mask = frame_of(27.0, 29.0, (smaller, right), seed=5)
    session.add(frame, mask, minute=5)
    assert any("Against t0 the right sole's outline" in text for text in session.entries[1].cautions) == said


def from_above(
    rise: float = 0.0, *, legs: bool = True, gradient: float = 0.0, seed: int = 0
) -> tuple[Frame, np.ndarray]:
    """Two feet with their toes down and to the sides, whose legs enter at the top."""
    rows, columns = np.mgrid[:120, :160]
    feet, skin = np.zeros((120, 160), bool), np.zeros((120, 160), bool)
    for middle, way in ((50, -1), (110, 1)):
        slope = middle + way * 0.6 * (rows - 70)
        feet |= (rows >= 70) & (rows < 110) & (abs(columns - slope) < 9)
        skin |= (rows < 70) & (abs(columns - middle) < 9) & legs
    celsius = np.where(feet | skin, 30 + rise + gradient * (rows - 90), 22.0)
    noise = np.random.default_rng(seed).normal(0, 0.05, celsius.shape)
    return Frame((celsius + noise).astype(np.float32), source=f"{seed}.png"), feet


def test_feet_from_above_have_no_territories_and_less_sure_means_but_sure_changes() -> None:
    session = Session()
    for number, rise in enumerate((0.0, 1.0)):
        session.add(*from_above(rise, gradient=0.1, seed=number), minute=5.0 * number)
    for entry in session.entries:
        assert entry.ok and entry.from_above and entry.open_end and not entry.territories and not entry.cautions
        assert any("seen from above" in str(note) for note in entry.notes)
    found = session.entries[1].estimates["left"][WHOLE_SOLE]
    assert found.leg > 0.15
    change = session.delta(session.entries[1], "left")
    assert change.value == pytest.approx(1.0, abs=0.05) and change.error < 0.6 * found.error
    frame, feet = from_above()
    warmer = frame.celsius.copy()
    warmer[:70, :80] += 3.5 * (warmer[:70, :80] > 26)  # one leg without a step, the other one warmer than its foot
    assert Session().add(warmer, feet, minute=0).from_above
    warmer[:70, :80] = 22.0  # nothing like a leg above that foot
    assert not Session().add(warmer, feet, minute=0).from_above
    without = Session()
    without.add(*from_above(legs=False), minute=0)
    assert not without.entries[0].from_above and without.entries[0].estimates["left"][WHOLE_SOLE].leg == 0


def test_toes_that_point_down_without_a_leg_are_doubted_and_no_surer() -> None:
    """A camera upside down, or feet from above whose legs are covered: nobody knows where they end."""
    frame, mask = frame_of(27.0, 29.0)
    celsius = frame.celsius + 0.02 * np.mgrid[: frame.size[0], : frame.size[1]][0].astype(np.float32)
    session = Session()
    entry = session.add(celsius[::-1], mask[::-1], minute=0)
    assert any("toes seem to point down" in caution for caution in entry.cautions) and not entry.territories
    assert not entry.from_above and entry.open_end and entry.estimates["left"][WHOLE_SOLE].leg != 0


def test_toes_that_point_down_are_asked_about_once_and_where_that_is_new() -> None:
    frame, mask = frame_of(27.0, 29.0)
    celsius = frame.celsius + 0.02 * np.mgrid[: frame.size[0], : frame.size[1]][0].astype(np.float32)
    session = Session()
    entries = [session.add(celsius[::-1] + minute / 10, mask[::-1], minute=minute) for minute in (0, 5)]
    asked = [any("toes seem to point down" in caution for caution in entry.cautions) for entry in entries]
    noted = [
        any("point down, as they did in the first frame" in str(note) for note in entry.notes) for entry in entries
    ]
    assert asked == [True, False] and noted == [False, True]

    turned = Session()
    turned.add(celsius, mask, minute=0)
    assert any(
        "toes seem to point down" in each
        for each in turned.add(celsius[::-1] + 0.5, mask[::-1], minute=5).cautions
    )

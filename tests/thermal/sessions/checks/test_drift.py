"""A camera whose offset drifts, and what is behind the soles."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.thermal.feet import SIZE, frame_of, mask_of, pair

from prismseg.thermal import WHOLE_SOLE, Frame, Parameters, Session, draw_curves
from prismseg.thermal.sessions.background import Background

MINUTES = (0, 1, 5, 10, 15, 20)


def session_of(
    offsets: tuple[float, ...],
    left: tuple[float, ...] = (27.0,) * 6,
    right: tuple[float, ...] = (27.0,) * 6,
    ground: tuple[float, ...] = (22.0,) * 6,
) -> Session:
    """Feet, ground and the camera's offset at each of the minutes."""
    made = Session()
    for seed, minute in enumerate(MINUTES):
        frame, mask = frame_of(left[seed], right[seed], ground=ground[seed], seed=seed)
        made.add(np.array(frame.celsius) + np.float32(offsets[seed]), mask, minute=minute)
    return made


def names(session: Session) -> list[tuple[str, str, str | None]]:
    return [(flag.name, flag.level, flag.side) for flag in session.flags() if flag.name != "quality"]


CREEP = (0.0, 0.6, 1.2, 1.8, 2.4, 3.0)
STEADY = (0.0,) * 6


def test_a_drift_of_the_whole_picture_is_no_warming() -> None:
    session = session_of(CREEP)
    assert names(session) == []  # nor "no thermal sign yet": 3 °C were read
    for entry, offset in zip(session.entries[1:], CREEP[1:], strict=True):
        (caution,) = entry.cautions
        assert f"changed by {offset:+.1f} ± 0.1 °C since t0" in caution
        change, beyond = session.delta(entry, "left"), session.beyond_background(entry, "left")
        assert change.value == pytest.approx(offset, abs=0.02)
        assert change.error == pytest.approx(math.hypot(offset, 0.1), abs=0.1) and change.low < 0
        assert beyond.value == pytest.approx(0, abs=0.03) and beyond.low < 0 < beyond.high
        assert session.background(entry).value == pytest.approx(offset, abs=0.02)
    (flag,) = [flag for flag in session.flags() if flag.name == "quality"]
    assert flag.minutes == MINUTES[1:] and flag.sentence.startswith("5 frames, 1 to 20 min, most at 20 min: ")
    assert "Beyond it the left sole changed by" in flag.sentence


def test_feet_that_warm_beyond_the_drift_are_flagged_by_what_is_beyond() -> None:
    warm = (27.0, 27.0, 27.4, 28.4, 28.4, 28.4)
    session = session_of((0, 0.1, 0.2, 0.4, 0.5, 0.5), left=warm)
    assert ("warming", "present", "left") in names(session)
    flag = next(flag for flag in session.flags() if flag.name == "warming")
    assert flag.evidence["delta"] == pytest.approx([1.4, 1.4, 1.4], abs=0.05)  # not the 1.9 that were read
    assert "background changed" in flag.evidence["cautions"]
    strong = session_of((0, 0.6, 0.6, 0.6, 0.6, 0.6), left=(27.0, 27.0, 27.0, 31.0, 31.0, 31.0))
    assert ("warming", "clear", "left") in names(strong)
    assert not [name for name in names(strong) if name[2] == "right"]


def test_a_drift_never_makes_a_rise_clear() -> None:
    """A rise of 1.4 °C and a drift of 0.8 would together pass 2 °C."""
    drifted = session_of((0, 0, 0, 0.8, 0.8, 0.8), left=(27.0, 27.0, 27.0, 28.4, 28.4, 28.4))
    levels = {level for name, level, side in names(drifted) if (name, side) == ("warming", "left")}
    assert levels == {"present"}


def test_a_drift_of_the_camera_is_not_taken_for_its_contrary() -> None:
    """The camera sank by 1.5 °C while both feet rose by as much: nothing is read, and nothing may be denied."""
    session = session_of((0, 0, -0.5, -1.5, -1.5, -1.5), *[(27.0, 27.0, 27.5, 28.5, 28.5, 28.5)] * 2)
    assert names(session) == []
    assert session.beyond_background(session.entries[-1], "left").value == pytest.approx(1.5, abs=0.05)
    assert "Beyond it the left sole changed by +1.5" in session.entries[-1].cautions[-1]


def test_a_room_that_cools_makes_no_warming() -> None:
    session = session_of(STEADY, ground=(22.0, 22.0, 21.5, 20.5, 20.5, 20.5))
    assert names(session) == []


def test_a_jump_is_remarked_in_all_later_flags() -> None:
    offsets = (0.0, 0.0, 0.95, 0.95, 0.95, 0.95)
    session = session_of(offsets, left=(27.0, 27.0, 27.0, 30.0, 30.0, 30.0))
    flag = next(flag for flag in session.flags() if flag.name == "warming")
    assert flag.side == "left" and "shutter event" in flag.evidence["cautions"]
    jumped = session_of(offsets)
    assert not [flag for flag in names(jumped) if flag[0] == "warming"]
    # It went back, and the later frames compare with t0 again; the remark stays.
    back = session_of((0.0, 0.0, 0.95, 0.0, 0.0, 0.0), left=(27.0, 27.0, 27.0, 30.0, 30.0, 30.0))
    flag = next(flag for flag in back.flags() if flag.name == "warming")
    assert flag.evidence["cautions"] == ["shutter event"] and flag.level == "clear"


def test_rates_do_not_count_what_the_background_did() -> None:
    made = Session()
    for minute, offset in enumerate((0, 0.25, 0.5, 0.75, 1.0, 1.25)):
        rise = 0.3 * minute
        frame, mask = frame_of(27.0 + rise, 27.0, seed=minute)
        made.add(np.array(frame.celsius) + np.float32(offset), mask, minute=minute)
    flags = [flag for flag in made.flags() if flag.name == "warming"]
    assert all(flag.level != "clear" for flag in flags)  # 0.55 °C/min were read, 0.3 are the foot's


@settings(max_examples=12, deadline=None)
@given(offset=st.floats(-4, 4), rise=st.floats(-3, 5), seed=st.integers(0, 10**6))
def test_intervals_hold_the_true_change_whatever_the_offset(offset: float, rise: float, seed: int) -> None:
    made = Session()
    made.add(*frame_of(27.0, 28.0, seed=seed), minute=0)
    frame, mask = frame_of(27.0 + rise, 28.0, seed=seed + 1)
    entry = made.add(np.array(frame.celsius) + np.float32(offset), mask, minute=10)
    beyond, change = made.beyond_background(entry, "left"), made.delta(entry, "left")
    assert beyond.low <= rise <= beyond.high and change.low <= rise <= change.high
    assert made.difference(entry).value == pytest.approx(-rise, abs=0.05)


# --- the background ---------------------------------------------------------------------------------------------------


def test_body_and_soles_do_not_belong_to_the_background() -> None:
    """Legs and a hand warm by 3 °C beside the soles; bed and wall stay."""
    feet = mask_of(*pair())

    def scene(warmth: float, seed: int) -> np.ndarray:
        celsius = np.full(SIZE, 22.0)
        celsius[:70] = 23.0
        celsius[:60, 60:260] = 30.0 + warmth  # legs
        celsius[180:, :60] = 31.0 + warmth  # a hand
        celsius[feet] = 27.0 + warmth
        return celsius + np.random.default_rng(seed).normal(0, 0.05, SIZE)

    before, after = (Background.from_frame(scene(warmth, seed), feet) for warmth, seed in ((0.0, 1), (3.0, 2)))
    shift = after.shift_from(before)
    assert shift is not None and abs(shift.value) < 0.02
    drifted = Background.from_frame(scene(3.0, 3) + 0.7, feet).shift_from(before)
    assert drifted is not None and drifted.value == pytest.approx(0.7, abs=0.02)


def test_a_sheet_that_warms_under_the_heels_does_not_speak_for_the_rest() -> None:
    feet = mask_of(*pair())
    ground = np.full(SIZE, 22.0) + np.random.default_rng(0).normal(0, 0.05, SIZE)
    warmed = ground.copy()
    warmed[190:, 60:260] += 1.5
    shift = Background.from_frame(warmed, feet).shift_from(Background.from_frame(ground, feet))
    assert shift is not None and abs(shift.value) < 0.02


def test_a_background_that_changed_unevenly_gives_no_number() -> None:
    feet = mask_of(*pair())
    rng = np.random.default_rng(0)
    ground = np.full(SIZE, 22.0) + rng.normal(0, 0.05, SIZE)
    patches = np.kron(rng.normal(0, 1.0, (12, 16)), np.ones((20, 20)))
    assert Background.from_frame(ground + patches, feet).shift_from(Background.from_frame(ground, feet)) is None
    assert (
        Background.from_frame(ground, np.ones(SIZE, bool)).shift_from(Background.from_frame(ground, feet)) is None
    )


def test_frames_of_other_sizes_share_a_background() -> None:
    session = Session()
    frame, mask = frame_of(27.0, 27.0)
    session.add(frame, mask, minute=0)
    doubled = np.kron(np.array(frame.celsius) + 0.6, np.ones((2, 2), np.float32))
    entry = session.add(doubled, np.kron(mask, np.ones((2, 2), bool)), minute=5)
    assert session.background(entry).value == pytest.approx(0.6, abs=0.02)
    assert entry.estimates["left"][WHOLE_SOLE].mean == pytest.approx(27.6, abs=0.05)


def test_a_tilt_of_the_offset_is_in_the_error_of_the_difference() -> None:
    """The camera's right half drifted up by 1 °C and its left half down: the feet seem to part."""
    frame, mask = frame_of(27.0, 27.0)
    slope = np.linspace(-1, 1, SIZE[1], dtype=np.float32)
    session = Session()
    session.add(frame, mask, minute=0)
    for minute in (10, 15):
        then, _ = frame_of(27.0, 27.0, seed=minute)
        session.add(np.array(then.celsius) + 2 * slope, mask, minute=minute)
    difference = session.difference(session.entries[-1])
    assert abs(difference.value) > 1 and difference.low < 0 < difference.high
    assert not [name for name in names(session) if name[0] == "asymmetric"]


def test_frames_with_other_parameters_have_no_background_in_common() -> None:
    session = Session()
    frame, mask = frame_of(27.0, 27.0)
    session.add(frame, mask, minute=0)
    other = Frame(np.array(frame.celsius) + 0.6, parameters=Parameters(emissivity=0.9))
    entry = session.add(other, mask, minute=5)
    assert not session.background(entry).known and not session.beyond_background(entry, "left").known
    assert [seen.concern for seen in entry.observations] == ["parameters changed"]


def test_the_tables_hold_the_background() -> None:
    session = session_of(CREEP)
    statements = session.statements()
    assert list(statements.background) == pytest.approx(CREEP, abs=0.02)
    rows = session.table().query("region == @WHOLE_SOLE and side == 'left'")
    assert list(rows.beyond_background) == pytest.approx([0.0] * 6, abs=0.03)
    assert rows.beyond_background_error.iloc[-1] == pytest.approx(0.3, abs=0.05)  # a tenth of the drift


def test_the_curves_show_the_background() -> None:
    axes = draw_curves(session_of(CREEP)).axes[0]
    (line,) = [line for line in axes.get_lines() if line.get_label() == "background"]
    assert list(line.get_ydata()) == pytest.approx(CREEP, abs=0.02)

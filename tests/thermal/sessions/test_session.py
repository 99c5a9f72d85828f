from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from tests.thermal.feet import SIZE, Foot, frame_of, mask_of, pair

from prismseg.base import ConfigError
from prismseg.base.constants import Z95
from prismseg.thermal import (
    REGIONS,
    WHOLE_SOLE,
    Concern,
    ErrorModel,
    Frame,
    Parameters,
    Session,
    Soles,
    measure_frames,
)

NUMBERS = ["mean", "mean_error", "sd", "median", "delta", "delta_error", "rate", "rate_error"]


def course(*steps: tuple[float, float, float], session: Session | None = None) -> Session:
    """A session of (minute, left, right) with steady feet."""
    made = session or Session()
    for seed, (minute, left, right) in enumerate(steps):
        frame, mask = frame_of(left, right, seed=seed)
        made.add(frame, mask, minute=minute)
    return made


def value(session: Session, column: str, minute: float, side: str = "left", region: str = WHOLE_SOLE) -> float:
    table = session.table()
    rows = table[(table.minute == minute) & (table.side == side) & (table.region == region)]
    assert len(rows) == 1
    return float(rows[column].iloc[0])


def concerns(session: Session) -> list[set[str]]:
    return [{str(observation.concern) for observation in entry.observations} for entry in session.entries]


def test_deltas_rates_and_differences_by_hand() -> None:
    session = course((0, 27.0, 28.0), (5, 27.5, 30.0), (10, 29.5, 32.0))
    assert all(entry.ok and entry.observations == () for entry in session.entries)
    assert value(session, "mean", 5, "right") == pytest.approx(30.0, abs=0.01)
    assert value(session, "delta", 10) == pytest.approx(2.5, abs=0.01)
    assert value(session, "delta", 0) == 0 == value(session, "delta_error", 0)
    assert value(session, "rate", 5) == pytest.approx(0.1, abs=0.005)
    assert value(session, "rate", 10) == pytest.approx(0.4, abs=0.005)
    assert math.isnan(value(session, "rate", 0))
    whole = session.differences().query("region == @WHOLE_SOLE")
    assert list(whole.difference) == pytest.approx([0.0, 1.5, 1.5], abs=0.01)


def test_errors_follow_from_those_of_the_means() -> None:
    errors = ErrorModel(netd=0.1, common=0.2, mask_correlation=0.5)
    session = course((0, 27.0, 27.0), (5, 28.0, 28.0), session=Session(errors=errors))
    first, then = (entry.estimates["left"][WHOLE_SOLE] for entry in session.entries)
    assert then.error == pytest.approx(math.hypot(then.noise, then.mask, 0.2))
    assert value(session, "mean_error", 5) == then.error
    # Half of the contour's variance is common to both frames and cancels; the offset is known from the background.
    mask = math.sqrt(first.mask**2 + then.mask**2 - 2 * 0.5 * first.mask * then.mask)
    own = math.hypot(first.noise, then.noise, mask)
    background = session.background(session.entries[1])
    expected = math.hypot(own, background.value, background.error)
    assert abs(background.value) < 0.02 and 0.02 < background.error < 0.05
    assert value(session, "delta_error", 5) == pytest.approx(expected)
    assert value(session, "rate_error", 5) == pytest.approx(expected / 5)
    low, high = value(session, "delta_low", 5), value(session, "delta_high", 5)
    assert high - low == pytest.approx(2 * Z95 * value(session, "delta_error", 5))
    # What a frame's pixels share cancels between its soles.
    assert session.differences().difference_error.iloc[len(REGIONS)] == pytest.approx(math.sqrt(2) * own, rel=0.02)


def test_without_a_background_the_frames_common_errors_count() -> None:
    session = Session(errors=ErrorModel(common=0.2, contour=0))
    for minute in (0, 5):
        frame, mask = frame_of(27.0, 27.0, seed=minute)
        patches = np.kron(np.random.default_rng(minute).normal(0, 2, (12, 16)), np.ones((20, 20)))
        session.add(np.where(mask, frame.celsius, frame.celsius + patches), mask, minute=minute)
    assert not session.background(session.entries[1]).known
    assert value(session, "delta_error", 5) == pytest.approx(0.2 * math.sqrt(2), rel=0.01)
    assert math.isnan(value(session, "beyond_background", 5))
    assert "cannot be told" in session.entries[1].cautions[0]


def test_the_table_has_one_row_for_each_frame_side_and_region() -> None:
    session = course((0, 27.0, 28.0), (5, 27.5, 30.0))
    frame, _ = frame_of(28.0, 28.0, seed=9)
    session.add(frame, mask_of(pair()[0]), minute=10)
    table = session.table()
    assert len(table) == 3 * 2 * len(REGIONS)
    assert not table.duplicated(["minute", "side", "region"]).any()
    assert (table.query("status == 'measured'").pixels > 0).all()
    failed = table.query("minute == 10")
    assert failed[NUMBERS].isna().all().all() and (failed.pixels == 0).all()
    assert failed.reason.str.contains("Only one sole").all()
    assert list(session.statements().status) == ["measured", "measured", "not two soles"]
    assert "no numbers" in session.entries[2].statement
    assert len(session.differences()) == 3 * len(REGIONS)
    assert Session().table().empty and list(Session().table().columns) == list(table.columns)


def test_t0_is_the_last_measured_frame_at_or_before_the_dose() -> None:
    session = course((-5, 26.0, 26.0), (0, 27.0, 27.0), (5, 28.0, 28.0))
    assert session.baseline is session.entries[1]
    assert value(session, "delta", 5) == pytest.approx(1.0, abs=0.01)
    session = Session()
    frame, mask = frame_of(26.0, 26.0, seed=1)
    session.add(frame, mask, minute=-2)
    session.add(frame_of(26.0, 26.0, seed=2)[0], np.zeros(SIZE, bool), minute=0)
    assert session.baseline is session.entries[0]


def test_without_t0_there_are_means_but_no_change() -> None:
    session = course((5, 27.0, 28.0), (10, 29.0, 30.0))
    table = session.table()
    assert session.baseline is None
    assert table["mean"].notna().all()
    assert table[["delta", "delta_error", "rate", "rate_error"]].isna().all().all()
    assert session.differences().difference.isna().all()
    (flag,) = session.flags()
    assert flag.name == "quality" and "no t0" in flag.evidence["concern"] and "baseline" in flag.sentence


def bad_frames() -> list[tuple[str, object, object, Concern]]:
    frame, mask = frame_of(27.0, 28.0, seed=42)
    celsius = np.array(frame.celsius)
    holed = celsius.copy()
    holed[mask_of(pair()[1])] = np.where(np.arange(mask_of(pair()[1]).sum()) % 50 == 0, np.nan, 28.0)
    one, three = mask_of(pair()[0]), mask_of(*(Foot("left", (120.0, c), 90.0) for c in (60.0, 160.0, 260.0)))
    nan_mask = mask.astype(float)
    nan_mask[0, 0] = np.nan
    return [
        ("zero size", np.zeros((0, 0)), mask, Concern.UNREADABLE),
        ("1 x 1", np.full((1, 1), 30.0), np.ones((1, 1)), Concern.UNREADABLE),
        ("colour picture", np.zeros((*SIZE, 3)), mask, Concern.UNREADABLE),
        ("text", np.full(SIZE, "warm"), mask, Concern.UNREADABLE),
        ("all NaN", np.full(SIZE, np.nan), mask, Concern.UNREADABLE),
        ("NaN on a sole", holed, mask, Concern.MISSING),
        ("constant", np.full(SIZE, 30.0), mask, Concern.CONSTANT),
        ("kelvin", celsius + 273.15, mask, Concern.IMPLAUSIBLE),
        ("centi-kelvin", (celsius + 273.15) * 100, mask, Concern.UNREADABLE),
        ("Fahrenheit", celsius * 1.8 + 32, mask, Concern.IMPLAUSIBLE),
        ("grey levels", celsius * 5, mask, Concern.IMPLAUSIBLE),
        ("counts", np.rint(celsius * 400), mask, Concern.UNREADABLE),
        ("empty mask", frame, np.zeros(SIZE, bool), Concern.NOT_TWO_SOLES),
        ("one foot", frame, one, Concern.NOT_TWO_SOLES),
        ("three blobs", frame, three, Concern.NOT_TWO_SOLES),
        ("cut", frame, mask_of(*pair(shift=(80, 0))), Concern.NOT_TWO_SOLES),
        ("mask of another size", frame, mask[1:], Concern.MASK),
        ("mask of zero size", frame, np.zeros((0, 4), bool), Concern.MASK),
        ("mask with NaN", frame, nan_mask, Concern.MASK),
        ("logits", frame, np.where(mask, 4.0, -4.0), Concern.MASK),
        ("mask of text", frame, np.full(SIZE, "sole"), Concern.MASK),
    ]


@pytest.mark.parametrize(
    ("name", "frame", "mask", "concern"), bad_frames(), ids=lambda x: x if isinstance(x, str) else ""
)
@pytest.mark.parametrize("minute", [0.0, 5.0])
def test_a_bad_frame_has_a_reason_and_never_a_number(
    name: str, frame: object, mask: object, concern: Concern, minute: float
) -> None:
    session = Session()
    if minute > 0:
        course((0, 27.0, 27.0), session=session)
    entry = session.add(frame, mask, minute=minute)
    assert not entry.ok and entry.status == concern and len(entry.reason) > 30
    rows = session.table().query("minute == @minute")
    assert rows[NUMBERS].isna().all().all()
    assert session.differences().query("minute == @minute").difference.isna().all()
    assert any(minute in flag.minutes and flag.name == "quality" for flag in session.flags())
    assert (session.baseline is None) == (minute == 0)


@pytest.mark.parametrize(
    ("minutes", "bad", "word"),
    [
        ((0, 5, 5), 2, "already"),
        ((0, 10, 5), 2, "goes back"),
        ((0, 5, -1), 2, "goes back"),
        ((5, 0), 1, "goes back"),
    ],
)
def test_a_clock_that_stands_or_goes_back_is_stated(minutes: tuple[float, ...], bad: int, word: str) -> None:
    session = course(*((minute, 27.0 + number, 27.0) for number, minute in enumerate(minutes)))
    entry = session.entries[bad]
    assert entry.status == "clock" and word in entry.reason
    assert [other.ok for other in session.entries].count(False) == 1
    assert session.table().iloc[bad * 2 * len(REGIONS) :][NUMBERS].isna().all().all()


def test_a_wrong_time_does_not_move_t0() -> None:
    session = course((0, 27.0, 27.0), (5, 28.0, 28.0), (-1, 31.0, 31.0), (10, 29.0, 29.0))
    assert session.baseline is session.entries[0]
    assert value(session, "delta", 10) == pytest.approx(2.0, abs=0.01)


def test_an_identical_frame_is_stated_but_a_corrected_mask_is_welcome() -> None:
    frame, mask = frame_of(27.0, 27.0)
    session = measure_frames([(0, frame, mask), (5, np.array(frame.celsius), mask)])
    assert session.entries[1].status == "duplicate frame" and "0 min" in session.entries[1].reason
    session = measure_frames([(0, frame, mask_of(pair()[0])), (0, frame, mask)])
    assert [entry.ok for entry in session.entries] == [False, True]


def test_an_unread_frame_keeps_its_place() -> None:
    session = course((0, 27.0, 27.0))
    session.add_failed(5, "t5.jpg is a palette picture, not radiometric.", "t5.jpg")
    assert session.table().query("minute == 5")[NUMBERS].isna().all().all()
    assert "palette" in session.statements().reason.iloc[1]
    for minute in (math.nan, math.inf):
        with pytest.raises(ConfigError, match="minute"):
            session.add_failed(minute, "lost")
        with pytest.raises(ConfigError, match="minute"):
            session.add(*frame_of(27.0, 27.0, seed=5), minute=minute)
    with pytest.raises(ConfigError, match="mask"):
        session.add(frame_of(27.0, 27.0, seed=5)[0], minute=10)
    with pytest.raises(ConfigError, match="view"):
        Session("upside-down")


def test_probabilities_labels_and_soles_give_the_same_means() -> None:
    frame, mask = frame_of(27.0, 29.0)
    labels = 2 * pair()[0].mask() + 1 * pair()[1].mask()
    made = [
        Session().add(frame, mask, minute=0),
        Session().add(frame, labels, minute=0),
        Session().add(frame, mask.astype(np.float32), minute=0),
        Session().add(frame, np.where(mask, 0.9, 0.1), minute=0),
        Session().add(frame, minute=0, soles=Soles.from_mask(mask)),
    ]
    means = {entry.estimates["right"][WHOLE_SOLE].mean for entry in made}
    assert len(means) == 1
    # Zeros and ones are labels whatever their type: such a "model" would be infinitely sure.
    assert made[2].estimates["left"][WHOLE_SOLE].mask == made[0].estimates["left"][WHOLE_SOLE].mask > 0


def test_soles_of_another_view_or_size_are_refused() -> None:
    frame, mask = frame_of(27.0, 29.0)
    assert Session().add(frame, minute=0, soles=Soles.from_mask(mask, "mirrored")).status == "unusable mask"
    assert Session().add(frame, minute=0, soles=Soles.from_mask(mask[:-1])).status == "unusable mask"


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
    assert concerns(session) == [set(), set(), set(), {"territories"}]
    assert "left sole's pose" in session.entries[3].cautions[0]


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


@given(
    st.lists(
        st.tuples(
            st.floats(24, 34), st.floats(24, 34), st.sampled_from(["both", "both", "left", "none"]), st.booleans()
        ),
        min_size=2,
        max_size=5,
    )
)
@settings(max_examples=15, deadline=None)
def test_curves_follow_their_feet_through_gaps_and_relabelled_masks(steps: list) -> None:
    session = Session(errors=ErrorModel(common=0))
    frame, mask = frame_of(27.0, 28.0, seed=99)
    session.add(frame, mask, minute=0)
    for number, (left, right, seen, relabelled) in enumerate(steps, start=1):
        feet = pair(turn=(-1) ** number * 4.0 * number, shift=(3.0 * number, -4.0 * number), drawn_up=5.0 * number)
        frame, _ = frame_of(left, right, feet, seed=number)
        labels = np.zeros(SIZE, np.uint8)
        for label, foot in zip((2, 1) if relabelled else (1, 2), feet, strict=True):
            if seen in ("both", foot.side):
                labels[foot.mask()] = label
        entry = session.add(frame, labels, minute=5.0 * number)
        assert entry.ok == (seen == "both")
        if entry.ok:
            # Cleaning may add or take a ring of pixels here and there.
            assert entry.estimates["left"][WHOLE_SOLE].mean == pytest.approx(left, abs=0.15)
            assert entry.estimates["right"][WHOLE_SOLE].mean == pytest.approx(right, abs=0.15)
    table = session.table()
    assert table[table.status != "measured"][NUMBERS].isna().all().all()
    assert isinstance(table, pd.DataFrame)


@pytest.mark.parametrize(("halo", "said"), [(0, False), (1, False), (4, True)])
def test_a_network_that_is_unsure_of_an_outline_is_quoted(halo: int, said: bool) -> None:
    """A band of even odds around both soles: one pixel wide it is a usual outline, four pixels wide it is doubt."""
    frame, mask = frame_of(27.0, 29.0)
    band = ndimage.binary_dilation(mask, iterations=halo) & ~mask if halo else np.zeros_like(mask)
    entry = Session().add(frame, np.where(mask, 0.99, np.where(band, 0.4, 0.01)), minute=0)
    assert entry.ok
    assert any("unsure of the left sole's outline" in text for text in entry.cautions) == said
    assert not any("unsure" in text for text in Session().add(frame, mask, minute=0).cautions)


@pytest.mark.parametrize(("factor", "said"), [(0.97, False), (0.9, True)])
def test_a_sole_that_is_clearly_smaller_is_stated(factor: float, said: bool) -> None:
    """Areas go with the square: 0.97² = 0.94 of the other sole is usual, 0.9² = 0.81 is not."""
    left, right = pair()
    smaller = Foot(left.side, left.centre, length=left.length * factor)
    frame, mask = frame_of(27.0, 29.0, (smaller, right))
    cautions = Session().add(frame, mask, minute=0).cautions
    assert any("clearly smaller" in text for text in cautions) == said


def test_a_session_on_another_clock_has_the_same_numbers_without_measuring() -> None:
    session = course((-3, 27.0, 28.0), (-1, 27.5, 28.2))
    moved = session.retimed([-5, -3])
    assert moved is not None and [entry.minute for entry in moved.entries] == [-5, -3]
    fresh = course((-5, 27.0, 28.0), (-3, 27.5, 28.2))
    pd.testing.assert_frame_equal(moved.table(), fresh.table())
    frame, mask = frame_of(30.0, 31.0, seed=9)
    moved.add(frame, mask, minute=5)
    fresh.add(frame, mask, minute=5)
    pd.testing.assert_frame_equal(moved.table(), fresh.table())
    assert len(session.entries) == 2  # the old one is as it was
    rounded = session.retimed([-3.301, -1.3])
    assert [entry.minute for entry in rounded.entries] == [-3.301, -1.3]
    same = session.retimed([-3, -1])
    same.add(frame, mask, minute=-0.5)
    assert len(session.entries) == 2, "what was given out before does not grow"
    assert session.retimed([-1, 1]) is None, "the last frame would come after the test dose"
    assert session.retimed([-4, -1]) is None, "other times between the frames"
    with pytest.raises(ConfigError, match="1 minutes were given for 2 frames"):
        session.retimed([-3])
    assert moved.retimed([-10, -8, 0]) is None, "a frame would become baseline"


def test_what_names_a_minute_is_measured_anew_on_another_clock() -> None:
    session = course((-3, 27.0, 28.0))
    session.add(session.entries[0].frame, mask_of(*pair()), minute=-1)
    assert session.entries[1].status == Concern.DUPLICATE
    assert session.retimed([-4, -2]) is None
    assert session.retimed([-3, -1]) is not None


def test_no_change_is_given_between_frames_of_other_parameters() -> None:
    session = Session()
    for minute, emissivity in ((0, 0.98), (5, 0.98), (10, 0.95), (15, 0.98)):
        frame, mask = frame_of(28.0 + 0.2 * minute, 28.0, seed=minute)
        session.add(Frame(frame.celsius, parameters=Parameters(emissivity=emissivity)), mask, minute=minute)
    assert all(entry.ok for entry in session.entries)
    given = [session.delta(entry, "left").known for entry in session.entries]
    assert given == [True, True, False, True]
    assert [session.difference(entry).known for entry in session.entries] == given
    assert [session.rate(entry, "left").known for entry in session.entries] == [False, True, False, False]
    assert "not given" in session.entries[2].cautions[0]

"""What leaves a frame without numbers."""

from __future__ import annotations

import numpy as np
import pytest
from tests.thermal.feet import SIZE, Foot, frame_of, mask_of, pair
from tests.thermal.sessions.test_session import NUMBERS, course, value

from prismseg.thermal import (
    WHOLE_SOLE,
    Concern,
    Session,
    Soles,
    measure_frames,
)


def bad_frames() -> list[tuple[str, object, object, Concern]]:
    frame, mask = frame_of(27.0, 28.0, seed=42)
    celsius = np.array(frame.celsius)
    holed = celsius.copy()
    holed[mask_of(pair()[1])] = np.where(np.arange(mask_of(pair()[1]).sum()) % 50 == 0, np.nan, 28.0)
    one, three = (
        mask_of(Foot("left", (120.0, 160.0))),
        mask_of(*(Foot("left", (120.0, c), 90.0) for c in (60.0, 160.0, 260.0))),
    )
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
        ("one foot, in the middle", frame, one, Concern.NOT_TWO_SOLES),
        ("three blobs", frame, three, Concern.NOT_TWO_SOLES),
        ("cut", frame, mask_of(*pair(shift=(145, 0))), Concern.NOT_TWO_SOLES),
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
    assert session.table().iloc[bad * 2 * len(session.regions) :][NUMBERS].isna().all().all()


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

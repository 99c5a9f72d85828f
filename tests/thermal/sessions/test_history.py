"""What a session has kept, and what the next frame is compared with."""

from __future__ import annotations

import pytest

from prismseg.thermal import Concern, Entry, Frame, History, Observation, Parameters
from prismseg.thermal.frames.frame import MIN_SIDE


def entry(minute: float, *, failed: bool = False, emissivity: float | None = None, territories=None) -> Entry:
    celsius = [[float(minute + row) for _ in range(MIN_SIDE)] for row in range(MIN_SIDE)]
    return Entry(
        minute,
        "frame",
        frame=Frame(celsius, parameters=Parameters(emissivity=emissivity)),
        territories=territories or {},
        observations=(Observation(Concern.MASK, "No mask.", fatal=True),) if failed else (),
    )


def history(*entries: Entry, stated: Parameters | None = None) -> History:
    kept = History(stated_parameters=stated)
    for each in entries:
        kept = kept.with_entry(each)
    return kept


def test_failed_frames_keep_their_place_and_nothing_is_compared_with_them() -> None:
    steps = [entry(-5), entry(0, failed=True), entry(5), entry(10, failed=True)]
    kept = history(*steps)
    assert kept.entries == tuple(steps) and kept.measured == (steps[0], steps[2])
    assert kept.baseline is steps[0] and kept.previous is steps[2]
    assert kept.before(5) is steps[0] and kept.before(20) is steps[2] and kept.before(-5) is None


def test_an_empty_history_has_nothing_to_compare_with() -> None:
    kept = History()
    assert kept.baseline is kept.previous is kept.parameters is kept.sure is None
    assert kept.reference_territories == {}


def test_a_history_does_not_grow_behind_ones_back() -> None:
    kept = history(entry(0))
    longer = kept.with_entry(entry(5))
    assert (len(kept.entries), len(longer.entries)) == (1, 2)


@pytest.mark.parametrize(("stated", "expected"), [(None, 0.95), (0.98, 0.98)])
def test_parameters_are_those_stated_or_of_the_first_measured_frame(stated: float | None, expected: float) -> None:
    given = None if stated is None else Parameters(emissivity=stated)
    steps = [entry(0, failed=True, emissivity=0.9), entry(5, emissivity=0.95), entry(10, emissivity=0.97)]
    assert history(*steps, stated=given).parameters.emissivity == expected


def test_territories_are_those_of_t0_else_of_the_first_frame_that_has_any() -> None:
    def reference(*steps: tuple[float, str]) -> str:
        kept = history(*(entry(minute, territories={"left": name} if name else {}) for minute, name in steps))
        return kept.reference_territories.get("left", "")

    assert reference((-5, "a"), (0, "b"), (5, "c")) == "b"
    assert reference((5, "c"), (10, "d")) == "c"
    assert reference((0, ""), (5, "c"), (10, "d")) == "c"

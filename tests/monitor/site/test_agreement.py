"""Curves from the site's records, with right answers by hand and by scikit-learn, and silence where there are too few."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score, roc_curve
from tests.monitor.store.scene import TrueSegmenter, capture

from prismseg.monitor.sessions.service import SessionService
from prismseg.monitor.site import Observation, agreements, collect_observations
from prismseg.monitor.site.agreement import FEWEST, area, curve
from prismseg.monitor.store import SessionStore


@given(st.lists(st.tuples(st.integers(-5, 5), st.booleans()), min_size=2, max_size=60))
def test_areas_and_curves_are_those_of_scikit_learn(pairs) -> None:
    scores, labels = np.array([score for score, _ in pairs], float), np.array([label for _, label in pairs])
    if labels.all() or not labels.any():
        return
    assert area(scores, labels) == pytest.approx(roc_auc_score(labels, scores))
    false, true, _ = roc_curve(labels, scores, drop_intermediate=False)
    assert np.array(curve(scores, labels)) == pytest.approx(np.column_stack([false, true]))


def test_by_hand() -> None:
    # Of 2 × 2 pairs three are in order.
    assert area(np.array([3.0, 1.0, 2.0, 0.0]), np.array([True, True, False, False])) == 0.75


def sessions(count: int, shift: float, seed: int = 0) -> list[Observation]:
    """As many sessions with a block as without, both soles alike."""
    rng = np.random.default_rng(seed)
    found = []
    for number in range(2 * count):
        blocked = number % 2 == 0
        delta = rng.normal(shift if blocked else 0.0)
        found += [Observation(f"s{number}", side, {10.0: delta}, blocked, blocked) for side in ("left", "right")]
    return found


def test_too_few_sessions_give_no_number_however_many_soles() -> None:
    for each in agreements(sessions(FEWEST - 1, 9.0), [10.0]):
        assert (each.positive, each.negative, each.enough) == (FEWEST - 1, FEWEST - 1, False)
        assert each.auc is each.low is each.high is None and each.points == ()
    assert all(each.enough for each in agreements(sessions(FEWEST, 9.0), [10.0]))


def test_intervals_know_that_two_soles_are_one_patient() -> None:
    """An interval over soles would be narrower by about the root of two than the one over sessions."""
    (both, _) = agreements(sessions(40, 1.0), [10.0])
    (one, _) = agreements([each for each in sessions(40, 1.0) if each.side == "left"], [10.0])
    assert both.auc == pytest.approx(one.auc)
    assert both.high - both.low == pytest.approx(one.high - one.low, rel=0.15)
    assert both.low < both.auc < both.high


def test_noise_is_told_from_a_signal() -> None:
    (noise, _) = agreements(sessions(60, 0.0), [10.0])
    (signal, _) = agreements(sessions(60, 2.0), [10.0])
    assert noise.low < 0.5 < noise.high and signal.low > 0.8


def test_records_are_read_as_they_were_stated(tmp_path) -> None:
    store = SessionStore(tmp_path / "ward")
    try:
        service = SessionService(store, TrueSegmenter())
        now = store.clock()
        store.clock = lambda: now
        for origin in ("camera", "demonstration"):
            service.session = service.begin("ana", {"code": "E"}, camera="none", origin=origin, take_camera=True)
            first = 10 * (origin == "camera")
            capture(service, first + 1)
            service.record_dose("ana", service.session)
            now += np.timedelta64(11, "m").item()
            capture(service, first + 2, left=29.5, right=28.0)
            service.update_remarks(
                "ana", service.session, 2, {"cold_left": "not felt", "cold_right": "felt", "pain": 3}
            )
        with store.read() as db:
            found = collect_observations(db, [1.0, 10.0])
    finally:
        store.close()
    assert [(each.side, each.cold, each.relieved) for each in found] == [
        ("left", True, True),
        ("right", False, True),
    ]
    assert [set(each.deltas) for each in found] == [{10.0}, {10.0}]
    assert found[0].deltas[10.0] == pytest.approx(1.5, abs=0.1) and found[1].deltas[10.0] == pytest.approx(
        0, abs=0.1
    )

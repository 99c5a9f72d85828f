"""How far a map agrees with the predicted mask, worked out by hand."""

import numpy as np
import pandas as pd
import pytest

from prismseg.explain.report.examples import choose_examples, correlation_with


def test_correlation_with_the_prediction_by_hand():
    mask = np.array([True, True, False, False])
    assert correlation_with(np.array([2.0, 2.0, 1.0, 1.0]), mask) == pytest.approx(1)
    assert correlation_with(np.array([1.0, 0.0, 1.0, 0.0]), mask) == pytest.approx(0)
    assert correlation_with(np.ones(4), mask) is None
    assert correlation_with(np.arange(4.0), np.ones(4, dtype=bool)) is None


def test_cases_without_any_foreground_are_shown_too():
    judged = pd.DataFrame(
        {
            "case": ["a", "a", "b", "b"],
            "class": ["rest", "nerve"] * 2,
            "absent": [False, True] * 2,
            "rho": [1.0, 0.0] * 2,
        }
    )
    assert [case for case, _ in choose_examples(judged, 1)] == ["a", "b"]

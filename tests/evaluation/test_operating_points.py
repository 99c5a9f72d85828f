"""Sensitivity at a fixed precision: by hand, against scikit-learn, and what cannot be reached."""

from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.metrics import precision_recall_curve

from prismseg.evaluation.operating_points import BINS, OperatingPoints

CLASSES = ["background", "nerve", "vessel"]


def scored(cases, precisions=(0.5,)):
    """Of cases (probabilities of the foreground classes, mask)."""
    points = OperatingPoints(CLASSES)
    for number, (p, mask) in enumerate(cases):
        background = 1 - p.sum(0, keepdims=True)
        prediction = SimpleNamespace(probabilities=np.concatenate([background, p]))
        points({"case": number, "group": "g"}, SimpleNamespace(mask=mask), prediction)
    return points.table(precisions).set_index(["measure", "class", "case"])["value"].sort_index()


def test_one_threshold_serves_all_cases():
    # Over both cases nerve has precision 1/1 from .7 on, 2/4 from .3 on, and 3/7 from .1 on.
    first = np.array([[[0.7, 0.4, 0.4]], [[0, 0, 0]]]), np.array([[1, 0, 0]])
    second = np.array([[[0.3, 0.1, 0.1, 0.1, 0.9]], [[0, 0, 0, 0, 0]]]), np.array([[1, 1, 0, 0, 255]])
    found = scored([first, second], (0.5, 1.0))
    assert found["sensitivity_p50", "nerve"].tolist() == [1, 0.5]
    assert found["sensitivity_p100", "nerve"].tolist() == [1, 0]


def test_a_class_that_is_nowhere_and_one_that_is_never_right():
    p = np.array([[[0.9, 0.8, 0.0]], [[0.0, 0.0, 0.0]]])
    found = scored([(p, np.array([[0, 0, 1]])), (p, np.array([[0, 0, 0]]))], (0.8,))
    assert found["sensitivity_p80", "nerve"].tolist() == [0, 1]  # no threshold reaches .8: nothing may be found
    assert found["sensitivity_p80", "vessel"].tolist() == [1, 1]


@pytest.mark.parametrize("precision", [0.3, 0.5, 0.8])
def test_over_one_case_it_is_the_point_of_the_curve(precision):
    rng = np.random.default_rng(0)
    mask = rng.choice(3, (60, 50), p=[0.7, 0.2, 0.1])
    p = np.clip(rng.normal(0.15 + 0.3 * (mask == np.array([1, 2])[:, None, None]), 0.12), 0.01, 0.49)
    p = (np.floor(p * BINS) + 0.5) / BINS  # thresholds between these are the same
    found = scored([(p, mask)], (precision,))
    for label, name in enumerate(CLASSES[1:]):
        curve, recall, _ = precision_recall_curve((mask == label + 1).ravel(), p[label].ravel())
        expected = recall[:-1][curve[:-1] >= precision].max(initial=0)
        assert found[f"sensitivity_p{100 * precision:.0f}", name].item() == pytest.approx(expected)


def test_it_does_not_change_where_probabilities_are_only_stretched():
    """The control: what a threshold can do is no gain."""
    rng = np.random.default_rng(1)
    mask = rng.choice(3, (40, 40), p=[0.8, 0.1, 0.1])
    p = np.clip(rng.normal(0.2 + 0.2 * (mask == np.array([1, 2])[:, None, None]), 0.1), 0.01, 0.45)
    plain, timid = scored([(p, mask)]), scored([(p / 4, mask)])
    np.testing.assert_allclose(plain, timid, atol=0.02)

"""Figures of comparisons show what they should, where it should be."""

import numpy as np
import pandas as pd
import pytest

from prismseg.study.report.figures import draw_differences, draw_ranks


def test_ranks_are_drawn_where_they_lie():
    (axes,) = draw_ranks(pd.Series({"a": 3.8, "b": 1.2}), "dice", 7).axes
    assert [line.get_xdata()[0] for line in axes.lines] == [1.2, 3.8]
    assert "over 7 groups" in axes.get_xlabel()


def test_differences_are_drawn_where_they_lie():
    table = pd.DataFrame(
        [
            {"skip": skip, "reference": "none", "images": size, "class": "nerve", "difference": value,
             "ci_low": value - 0.01, "ci_high": value + 0.02}
            for skip, size, value in (("a", "20", 0.1), ("a", "(all)", 0.3), ("b", "20", -0.2), ("b", "(all)", 0.0))
        ]
    )  # fmt: skip
    (axes,) = draw_differences(table, "skip", ["images"], "dice").axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["20", "(all)"]
    points = {box.get_label(): box.lines[0] for box in axes.containers}
    assert list(points["a - none"].get_xdata()) == [0.1, 0.3] and list(points["b - none"].get_xdata()) == [
        -0.2,
        0.0,
    ]
    assert list(points["b - none"].get_ydata()) == pytest.approx([0.2, 1.2])
    (bars,) = axes.containers[0].lines[2]
    assert np.allclose([segment[:, 0] for segment in bars.get_segments()], [[0.09, 0.12], [0.29, 0.32]])

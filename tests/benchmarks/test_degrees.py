"""Intervals of a mean temperature between two contours: a disc whose mean within any circle is known."""

import math

import degrees
import numpy as np
import pandas as pd
import pytest

TOP, FALL, RADIUS = 34.0, 1e-3, 40.0  # °C, °C a pixel², pixels


@pytest.fixture(scope="module")
def disc():
    row, column = np.mgrid[-60:61, -60:61]
    square = row**2 + column**2
    return TOP - FALL * square, square <= RADIUS**2


def within_circle(radius):
    """Mean of the disc's temperature within a circle: r² has the mean R²/2."""
    return TOP - FALL * radius**2 / 2


def test_contours_of_a_radial_picture_have_the_means_of_their_circles(disc):
    found = degrees.ranges_of_contours(*disc, [0, 2, 8])
    expected = [(within_circle(RADIUS + m), within_circle(RADIUS - m)) for m in (0, 2, 8)]
    assert found == pytest.approx(np.array(expected), abs=0.05)  # a contour is somewhere within a pixel
    assert (np.diff(found[:, 0]) < 0).all() and (np.diff(found[:, 1]) > 0).all()


def test_any_mask_is_the_whole_band_where_all_of_it_is_colder_than_the_mean(disc):
    low, high = degrees.ranges_of_masks(*disc, [5])[0]
    assert low == pytest.approx(within_circle(RADIUS + 5), abs=0.05)
    assert high == pytest.approx(within_circle(RADIUS - 5), abs=0.05)


def test_coldest_mask_leaves_out_what_is_warmer_than_its_mean(disc):
    # Between squared radii A and B the coldest mask has the core and all beyond u, where the temperature is its mean:
    # u (A + B - u) = (A² + B² - u²) / 2, so u = A + B - sqrt(2 A B).
    inner, outer = (RADIUS - 15) ** 2, (RADIUS + 15) ** 2
    u = inner + outer - math.sqrt(2 * inner * outer)
    assert inner < u < outer
    low, high = degrees.ranges_of_masks(*disc, [15])[0]
    assert low == pytest.approx(TOP - FALL * u, abs=0.05)
    assert low < degrees.ranges_of_contours(*disc, [15])[0, 0] - 0.1
    assert high == pytest.approx(within_circle(RADIUS - 15), abs=0.05)


def test_small_picture_by_hand():
    celsius, mask = np.array([[20.0, 26.0, 30.0, 32.0, 24.0, 20.0]]), np.array([[0, 1, 1, 1, 0, 0]], bool)
    # Depths are -1 1 2 1 -1 -2: with a margin of 1 the core is the 30 °C, the outer contour all but the last.
    assert degrees.ranges_of_contours(celsius, mask, [0, 1]).tolist() == [
        pytest.approx([88 / 3, 88 / 3]),
        pytest.approx([132 / 5, 30.0]),
    ]
    assert degrees.ranges_of_masks(celsius, mask, [0, 1]).tolist() == [
        pytest.approx([88 / 3, 88 / 3]),
        pytest.approx([(30 + 20 + 24) / 3, 31.0]),
    ]


def test_any_mask_within_the_margin_has_its_mean_in_the_interval(disc):
    celsius, mask = disc
    rng = np.random.default_rng(0)
    noisy = celsius + rng.normal(0, 1, celsius.shape)
    low, high = degrees.ranges_of_masks(noisy, mask, [4])[0]
    depth = degrees._depth(mask)
    for _ in range(20):
        other = (depth > 4) | ((np.abs(depth) <= 4) & (rng.random(mask.shape) < rng.random()))
        assert low <= noisy[other].mean() <= high


def soles_with_errors(stated):
    """40 patients with 6 soles each, standard errors of 0.1 or 0.3 °C, of which `stated` times is stated."""
    rng = np.random.default_rng(0)
    patients = np.repeat(np.arange(40), 6)
    errors = np.where(rng.random(240) < 0.5, 0.1, 0.3)
    mean = 30 + errors * rng.normal(size=240)
    ranges = [np.column_stack([each - degrees.GRID, each + degrees.GRID]) for each in mean]
    return pd.DataFrame(
        {"patient": patients, "domain": "any", "mean": mean, "true": 30.0, "error": np.abs(mean - 30)}
        | {"stated": stated * errors, "rest": 0.0, "margin": 1.0, "margin 99 %": 1.0}
        | {"contours": ranges, "any mask": ranges}
    )


def test_a_calibrated_factor_mends_stated_errors_that_are_half_of_the_true_ones():
    right, half = (
        degrees.compare(soles_with_errors(stated), 0.1, splits=50).set_index("interval") for stated in (1, 0.5)
    )
    stated, factor, constant = right.index[:3]
    assert right.loc[stated, "held"] == pytest.approx(90, abs=4)
    assert half.loc[stated, "held"] == pytest.approx(59, abs=7)  # within 0.82 standard deviations
    assert half.loc[factor, "held"] == pytest.approx(91, abs=4)
    assert half.loc[factor, "mean width"] == pytest.approx(right.loc[stated, "mean width"], rel=0.15)
    # One number for all holds too, and too often for small errors, too seldom for large ones.
    assert right.loc[constant, "held, surest third"] > 98 > 90 > right.loc[constant, "held, least sure third"]

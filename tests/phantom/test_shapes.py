from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prismseg.phantom.anatomy import FootShape, draw_shape, outlines
from prismseg.phantom.pattern import draw_patterns
from prismseg.phantom.pose import LEFT_SIDE, RIGHT_SIDE, Placement
from prismseg.phantom.raster import bilinear, paint, smooth_noise

TEMPLATE = FootShape(width=1.0, arch=0.0, toe_length=1.0, second_toe=0.0, fan=0.0, big_toe=0.0)


def area(curve):
    """Shoelace formula."""
    x, y = curve.T
    return abs(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1))) / 2


def width_at(curve, u, half=0.02):
    near = curve[np.abs(curve[:, 0] - u) < half]
    return near[:, 1].max() - near[:, 1].min()


def test_template_has_the_proportions_of_a_sole():
    sole, *toes = outlines(TEMPLATE)
    assert len(toes) == 5
    assert sole[:, 0].min() == pytest.approx(0, abs=0.005)
    assert max(toe[:, 0].max() for toe in toes) == pytest.approx(1.0)
    assert width_at(sole, 0.72) == pytest.approx(0.38, abs=0.02)
    assert width_at(sole, 0.40) == pytest.approx(0.31, abs=0.02)
    assert width_at(sole, 0.15) == pytest.approx(0.265, abs=0.02)
    # Big toe medial and widest, tips in a falling line towards the lateral side.
    assert [toe[:, 0].max() for toe in toes] == sorted((toe[:, 0].max() for toe in toes), reverse=True)
    assert [toe[:, 1].mean() for toe in toes] == sorted((toe[:, 1].mean() for toe in toes), reverse=True)
    assert np.ptp(toes[0][:, 1]) > 1.4 * max(np.ptp(toe[:, 1]) for toe in toes[1:])


def test_a_high_arch_narrows_the_midfoot_alone():
    flat, high = (outlines(FootShape(1.0, arch, 1.0, 0.0, 0.0, 0.0))[0] for arch in (0.0, 0.05))
    assert width_at(flat, 0.40) - width_at(high, 0.40) == pytest.approx(0.045, abs=0.01)
    assert width_at(flat, 0.75) == pytest.approx(width_at(high, 0.75), abs=0.008)
    assert width_at(flat, 0.12) == pytest.approx(width_at(high, 0.12), abs=0.008)


@given(st.integers(0, 10_000))
def test_every_toe_grows_out_of_the_sole(seed):
    size, place = (240, 200), Placement(row=225, column=100, lean=0.0, length=200, taper=0.0, side=LEFT_SIDE)
    sole, *toes = (place.to_pixels(curve) for curve in outlines(draw_shape(np.random.default_rng(seed))))
    ground = paint([sole], [1.0], size) > 0.5
    for toe in toes:
        inside = paint([toe], [1.0], size) > 0.5
        assert 0.1 < (inside & ground).sum() / inside.sum() < 0.9


def test_covered_area_is_that_of_the_curve():
    turn = np.linspace(0, 2 * np.pi, 200, endpoint=False)
    disc = np.column_stack([50.3 + 30 * np.sin(turn), 60.7 + 30 * np.cos(turn)])
    cover = paint([disc], [1.0], (100, 120))
    assert cover.shape == (100, 120) and cover.dtype == np.float32
    assert cover.sum() == pytest.approx(np.pi * 30**2, rel=0.01)
    rows, columns = np.mgrid[:100, :120]
    assert (cover * rows).sum() / cover.sum() == pytest.approx(50.3, abs=0.05)
    assert (cover * columns).sum() / cover.sum() == pytest.approx(60.7, abs=0.05)
    edge = (cover > 0) & (cover < 1)
    assert 100 < edge.sum() < 400
    # A later curve covers an earlier one.
    assert paint([disc, disc], [1.0, 5.0], (100, 120))[50, 60] == 5.0


def test_sole_coordinates_invert_the_placement():
    sole = outlines(TEMPLATE)[0]
    for side, lean, taper in ((LEFT_SIDE, 0.3, 0.1), (RIGHT_SIDE, -0.2, -0.05), (LEFT_SIDE, 0.0, 0.0)):
        place = Placement(row=200.0, column=90.0, lean=lean, length=170.0, taper=taper, side=side)
        pixels = place.to_pixels(sole)
        u, v = place.to_sole(*pixels.T.astype(np.float32))
        np.testing.assert_allclose(np.column_stack([u, v]), sole, atol=1e-5)


def test_placement_by_hand():
    # Upright foot: u is up; medial (v > 0) is left in the picture for the patient's left foot, right for the right one.
    for side, column in ((LEFT_SIDE, 80.0), (RIGHT_SIDE, 120.0)):
        place = Placement(row=200.0, column=100.0, lean=0.0, length=100.0, taper=0.0, side=side)
        np.testing.assert_allclose(place.to_pixels(np.array([[1.0, 0.2]])), [[100.0, column]])
    # A positive lean tips the toes to the right.
    leaning = Placement(row=200.0, column=100.0, lean=np.pi / 6, length=100.0, taper=0.0, side=LEFT_SIDE)
    np.testing.assert_allclose(leaning.to_pixels(np.array([[1.0, 0.0]])), [[200 - 50 * np.sqrt(3), 150.0]])


def test_bilinear_by_hand():
    table = np.array([[0.0, 1.0], [2.0, 5.0]], np.float32)
    at = np.array([0.0, 0.5, 0.25], np.float32)
    np.testing.assert_allclose(bilinear(table, at, np.array([0.5, 0.5, 0.0], np.float32)), [0.5, 2.0, 0.5])
    assert bilinear(table, np.array(-3.0), np.array(9.0)) == pytest.approx(1.0, abs=0.01)


def test_noise_has_unit_variance_and_stays_in_place():
    rows, columns = np.meshgrid(np.arange(-30, 30, 0.5), np.arange(-30, 30, 0.5), indexing="ij")
    noise = smooth_noise(np.random.default_rng(0), rows, columns)
    assert noise.mean() == pytest.approx(0, abs=0.15) and noise.std() == pytest.approx(1, abs=0.15)
    shifted = smooth_noise(np.random.default_rng(0), rows[20:, 10:], columns[20:, 10:])
    np.testing.assert_array_equal(shifted, noise[20:, 10:])


def test_warming_flushes_the_toes():
    left, _ = draw_patterns(np.random.default_rng(3))
    assert left.of_toes(0.0) == list(left.toes)
    assert left.of_toes(2.0) == pytest.approx([(toe + left.flush) / 2 for toe in left.toes])
    assert left.of_toes(9.0) == pytest.approx([left.flush] * 5)
    # Both feet of a person are alike: closer to each other than to another person's.
    people = [draw_patterns(np.random.default_rng(seed)) for seed in range(60)]
    within = np.mean([abs(a.along - b.along) for a, b in people])
    between = np.mean([abs(a[0].along - b[0].along) for a, b in pairwise(people)])
    assert within < between / 3


def test_areas_agree_with_the_curves():
    curves = outlines(TEMPLATE)
    place = Placement(row=220, column=100, lean=0.1, length=200, taper=0.0, side=RIGHT_SIDE)
    sole = place.to_pixels(curves[0])
    assert area(sole) == pytest.approx(area(curves[0]) * 200**2)
    assert paint([sole], [1.0], (240, 200)).sum() == pytest.approx(area(sole), rel=0.01)

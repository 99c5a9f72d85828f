"""Colours of overlays and their scale."""

import numpy as np
import pytest

from prismseg.explain.report.pictures import Scale, blend, choose_scale, colour_bar, draw_sheet, overlay_map


def test_the_colour_bar_shows_what_overlays_show():
    """A map of one value over a picture of one grey has the bar's colour at that value and grey."""
    bar = colour_bar(length=101, thickness=52)
    for percent in (0, 3, 50, 100):
        for row, grey in ((51, 0), (0, 255), (26, 125)):
            picture = np.full((20, 20, 3), grey, np.uint8)
            tile = overlay_map(picture, np.full((20, 20), percent / 100), np.zeros((20, 20), bool))
            np.testing.assert_allclose(tile[5, 5].astype(int), bar[row, percent].astype(int), atol=1)
    assert (blend(np.zeros((1, 1)), np.full((1, 1, 3), 100.0)) < 100).all()


def test_one_hot_pixel_does_not_blacken_a_map():
    rng = np.random.default_rng(0)
    noise = rng.random((64, 64)).astype(np.float32)
    hot = noise.copy()
    hot[0, 0] = 50
    scale = choose_scale(hot)
    assert scale.top == "p99.5" and scale.high == pytest.approx(0.995, abs=0.01)
    assert np.median(scale.unit(hot)) > 0.4 and scale.unit(hot).max() == 1
    assert choose_scale(noise) == Scale(float(noise.min()), float(noise.max()), "max")


def test_a_focused_map_keeps_its_maximum():
    """A place of 16 of 4096 pixels that holds most of the relevance is no stray pixel."""
    focused = np.full((64, 64), 0.01, np.float32)
    focused[10:14, 10:14] = np.linspace(1, 2, 16).reshape(4, 4)
    assert choose_scale(focused).top == "max" and choose_scale(focused).high == 2
    assert choose_scale(np.zeros((8, 8))).unit(np.zeros((8, 8))).max() == 0


def test_a_sheet_has_the_bar_of_the_overlays():
    sheet = draw_sheet([("a", np.zeros((8, 8, 3), np.uint8))] * 7, "title")
    images = [
        image.get_array()
        for axes in sheet.findobj(lambda a: hasattr(a, "get_images"))
        for image in axes.get_images()
    ]
    assert any(np.array_equal(image, colour_bar()) for image in images)

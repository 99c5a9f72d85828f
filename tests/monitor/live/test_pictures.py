from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from prismseg.monitor.live.pictures import coloured, colours, jpeg, overlay, png
from prismseg.thermal import Frame


def test_the_scale_is_fixed_and_its_ends_are_its_ends() -> None:
    frame = Frame(np.array([[19, 20, 29, 38, 60]] * 8, np.float32).repeat(2, axis=1))
    picture = coloured(frame, (20, 38))
    table = colours()
    assert (picture[0, 0] == picture[0, 2]).all() and (picture[0, 0] == table[0]).all()
    assert (picture[0, 6] == picture[0, 8]).all() and (picture[0, 6] == table[255]).all()
    assert (picture[0, 4] == table[127]).all()


def test_lighter_is_always_warmer() -> None:
    weights = np.array([0.2126, 0.7152, 0.0722])
    luminance = (colours() / 255.0) ** 2.2 @ weights
    assert (np.diff(luminance) > -1e-3).all() and luminance[-1] > 0.8


def test_what_has_no_temperature_has_no_colour_of_the_scale() -> None:
    celsius = np.full((20, 20), 25, np.float32)
    celsius[0, 0], celsius[5, 5] = np.nan, 30
    picture = coloured(Frame(celsius), (20, 38))
    assert not (colours() == picture[0, 0]).all(axis=1).any()


def test_pictures_are_what_they_say() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (12, 16, 3), np.uint8)
    assert (np.asarray(Image.open(io.BytesIO(png(picture)))) == picture).all()
    assert Image.open(io.BytesIO(jpeg(picture))).size == (16, 12)


def test_an_overlay_hides_nothing_where_there_is_nothing() -> None:
    drawn = overlay(np.array([[0.0, 0.5, 1.0, np.nan, 7.0]]), "viridis")
    assert drawn.shape == (1, 5, 4)
    assert drawn[0, :, 3].tolist() == pytest.approx([0, 108, 217, 0, 217], abs=1)

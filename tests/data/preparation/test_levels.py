"""Levels that are found piece by piece are those of the whole image."""

import numpy as np
import pytest
import torch

from prismseg.base import DataError
from prismseg.data import Preprocess
from prismseg.data.preparation.levels import find_levels

KINDS = [
    ((50, 40, 3), np.uint8, 3), ((50, 40, 3), np.uint8, 1), ((50, 40, 1), np.uint16, 3), ((50, 40, 1), np.float32, 1),
]  # fmt: skip


def pieces_of(image, shrink):
    rows, columns = 16 // shrink * shrink, 24 // shrink * shrink
    return [
        image[top : top + rows, left : left + columns]
        for top in range(0, image.shape[0], rows)
        for left in range(0, image.shape[1], columns)
    ]


@pytest.mark.parametrize("shrink", [1, 3])
@pytest.mark.parametrize("intensity", ["zscore", "unit"])
@pytest.mark.parametrize(("shape", "dtype", "channels"), KINDS)
def test_a_piece_is_prepared_as_the_whole_is(shape, dtype, channels, intensity, shrink):
    image = (np.random.default_rng(0).normal(0.4, 0.2, shape).clip(0, 1) * 250).astype(dtype)
    if dtype == np.float32:
        image = image * 7e3 - 9e5  # negative, far from 0
    preprocess = Preprocess((8, 8), channels, intensity, "native", shrink)
    levels = find_levels(preprocess, image.dtype, lambda: pieces_of(image, shrink))
    whole = preprocess.image_tensor(image)
    piece = levels.tensor(image[16 // shrink * shrink :, : 24 // shrink * shrink])
    expected = whole[:, 16 // shrink :, : 24 // shrink]
    assert piece.shape == expected.shape
    torch.testing.assert_close(piece, expected, atol=2e-5, rtol=2e-5)


def test_a_constant_channel_becomes_0():
    preprocess = Preprocess((8, 8), 1, fit="native")
    image = np.full((8, 8, 1), 31.7, np.float32)
    levels = find_levels(preprocess, image.dtype, lambda: [image[:4], image[4:]])
    assert not levels.tensor(image[4:]).any()


@pytest.mark.parametrize("intensity", ["zscore", "unit"])
def test_values_that_are_no_numbers_are_refused(intensity):
    image = np.full((8, 8, 1), np.nan, np.float32)
    with pytest.raises(DataError, match="NaN"):
        find_levels(Preprocess((8, 8), 1, intensity, "native"), image.dtype, lambda: [image])

"""Another light keeps what an image shows: order of greys, moments, and nothing that is not finite."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from prismseg.train.instant.light import GAMMA, relight


def image_of(channels, seed=0):
    return torch.randn(channels, 9, 11, generator=torch.Generator().manual_seed(seed))


@given(seed=st.integers(0, 200), invert=st.booleans(), channels=st.sampled_from([1, 2, 3, 5]))
def test_each_channel_keeps_mean_and_deviation(seed, invert, channels):
    image = 3 * image_of(channels, seed) + 7
    changed = relight(image, invert=invert, seed=seed)
    for before, after in zip(image, changed, strict=True):
        assert float(after.mean()) == pytest.approx(float(before.mean()), abs=1e-4)
        assert float(after.std()) == pytest.approx(float(before.std()), rel=1e-4)
    assert torch.equal(changed, relight(image, invert=invert, seed=seed))


@given(seed=st.integers(0, 200), invert=st.booleans())
def test_grey_is_bent_by_a_power(seed, invert):
    image = image_of(1, seed)
    changed = relight(image, invert=invert, seed=seed)
    order, again = image.flatten().argsort(), changed.flatten().argsort(descending=invert)
    assert torch.equal(order, again)
    # Before its moments were set it was a power of the image's grey, from 0 to 1: a straight line in logarithms.
    grey, bent = (-image if invert else image).flatten().double(), changed.flatten().double()
    grey, bent = ((values - values.min()) / (values.max() - values.min()) for values in (grey, bent))
    inner = (grey > 0.05) & (grey < 0.95)
    exponents = bent[inner].log() / grey[inner].log()
    assert float(exponents.max() - exponents.min()) < 1e-3
    assert np.exp(-GAMMA) - 1e-3 < float(exponents[0]) < np.exp(GAMMA) + 1e-3


def test_colours_are_mixtures_of_colours():
    image = image_of(3)
    image[2] = image[0] + image[1]  # a plane of colours stays in its span
    found = [relight(image, invert=False, seed=seed) for seed in range(8)]
    assert not torch.allclose(found[0], found[1], atol=0.1)
    grey = image.mean(0, keepdim=True).expand(3, -1, -1)
    alike = relight(grey, invert=False, seed=0)
    torch.testing.assert_close(alike[0], alike[2])  # an image without colours gets none


@pytest.mark.parametrize("invert", [False, True])
def test_constant_channels_stay_what_they_are(invert):
    image = torch.full((1, 4, 4), 2.5)
    assert torch.equal(relight(image, invert=invert, seed=0), image)
    half = image_of(3)
    half[1] = 4.0
    assert relight(half, invert=invert, seed=0).isfinite().all()
    assert torch.equal(relight(half, invert=invert, seed=0)[1], half[1])

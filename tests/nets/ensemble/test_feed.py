"""Images prepared for one network, made into such as another one wants."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from prismseg.base import ModelError
from prismseg.data import Preprocess
from prismseg.nets.ensemble.feed import Feed, common_preprocess

IMAGE = np.random.default_rng(3).integers(0, 256, (50, 70, 3), dtype=np.uint8)
preparations = st.builds(
    Preprocess,
    size=st.tuples(st.integers(16, 96), st.integers(16, 96)),
    channels=st.sampled_from([1, 3]),
    intensity=st.sampled_from(["zscore", "unit"]),
    fit=st.sampled_from(["stretch", "area"]),
)


def feed(given, wanted, image=IMAGE):
    return Feed(given, wanted)(given.image_tensor(image)[None])[0]


@settings(max_examples=25)
@given(st.lists(preparations, min_size=1, max_size=4))
def test_every_member_can_be_fed(members):
    common = common_preprocess(members)
    for wanted in members:
        assert feed(common, wanted).shape[0] == wanted.channels
        if wanted.fit == "stretch":
            assert feed(common, wanted).shape[1:] == wanted.size


@settings(max_examples=25)
@given(preparations)
def test_one_preparation_is_its_own(preprocess):
    common = common_preprocess([preprocess, preprocess])
    assert common == preprocess and Feed(common, preprocess).changes_nothing


@pytest.mark.parametrize("intensity", ["zscore", "unit"])
@pytest.mark.parametrize("channels", [1, 3])
def test_of_one_size_it_is_what_the_member_makes_of_the_image_itself(intensity, channels):
    wanted = Preprocess((32, 48), channels, intensity)
    common = common_preprocess([wanted, Preprocess((32, 48), 3, "unit")])
    assert common == Preprocess((32, 48), 3, "unit")
    torch.testing.assert_close(feed(common, wanted), wanted.image_tensor(IMAGE), atol=2e-5, rtol=0)


def test_a_smaller_size_is_sampled_with_antialiasing_and_standardised_there():
    wanted, other = Preprocess((24, 20), 1), Preprocess((40, 60), 1)
    common = common_preprocess([wanted, other])
    assert common.size == (40, 60)
    given = other.image_tensor(IMAGE)[None]
    small = F.interpolate(given, size=(24, 20), mode="bilinear", antialias=True, align_corners=False)[0]
    expected = (small - small.mean()) / small.std(correction=0)
    torch.testing.assert_close(feed(common, wanted), expected, atol=1e-5, rtol=0)


def test_resampling_twice_hardly_matters_for_a_smooth_image():
    rows, columns = np.mgrid[:96, :128]
    image = (128 + 60 * np.sin(rows / 12) + 50 * np.cos(columns / 15)).astype(np.uint8)
    wanted = Preprocess((32, 40), 1)
    common = common_preprocess([wanted, Preprocess((64, 80), 1)])
    difference = feed(common, wanted, image) - wanted.image_tensor(image)
    assert difference.abs().max() < 0.05


def test_images_of_other_sizes_are_scaled_alike():
    ratio = Feed(Preprocess((64, 80), 1), Preprocess((32, 60), 1))
    assert ratio.size_for(64, 80) == (32, 60) and ratio.size_for(128, 40) == (64, 30)
    area = Feed(Preprocess((64, 64), 1, fit="area"), Preprocess((32, 32), 1, fit="area"))
    assert area.size_for(48, 96) == (24, 48)
    fixed = Feed(Preprocess((64, 64), 1, fit="area"), Preprocess((32, 32), 1))
    assert fixed.size_for(48, 96) == (32, 32)


def test_a_constant_image_becomes_nothing():
    wanted = Preprocess((16, 16), 1)
    common = common_preprocess([wanted, Preprocess((32, 32), 3, "unit")])
    assert not feed(common, wanted, np.full((40, 40, 3), 77, np.uint8)).any()


def test_channels_that_cannot_be_made_of_each_other_are_refused():
    with pytest.raises(ModelError, match=r"3 and 4 channels cannot be fed with one image"):
        common_preprocess([Preprocess((16, 16), 3), Preprocess((16, 16), 4)])
    assert common_preprocess([Preprocess((16, 16), 4), Preprocess((16, 16), 4)]).channels == 4

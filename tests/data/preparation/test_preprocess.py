import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from prismseg.base import ConfigError, DataError
from prismseg.data.preparation.preprocess import Preprocess


def ramp(height, width, channels=1, dtype=np.uint8):
    values = np.arange(height * width * channels) % 251
    return values.reshape(height, width, channels).astype(dtype)


@settings(deadline=None)
@given(st.integers(2, 40), st.integers(2, 40), st.sampled_from([np.uint8, np.uint16, np.float32]))
def test_zscore_gives_every_channel_mean_0_and_deviation_1(height, width, dtype):
    image = np.random.default_rng(height * 41 + width).integers(0, 255, (height, width, 3)).astype(dtype)
    tensor = Preprocess((16, 24), 3).image_tensor(image)
    assert tensor.shape == (3, 16, 24)
    assert tensor.dtype == torch.float32
    assert tensor.is_contiguous()
    torch.testing.assert_close(tensor.mean((1, 2)), torch.zeros(3), atol=1e-5, rtol=0)
    torch.testing.assert_close(tensor.std((1, 2), correction=0), torch.ones(3), atol=1e-4, rtol=0)


def test_zscore_of_two_values_by_hand():
    tensor = Preprocess((1, 4), 1).image_tensor(np.array([[0, 0, 0, 8]], dtype=np.uint8))
    # mean 2, variance (3 * 4 + 36) / 4 = 12
    torch.testing.assert_close(tensor[0, 0], torch.tensor([-2, -2, -2, 6]) / 12**0.5)


@pytest.mark.parametrize("value", [0, 17.3, -40, 65535])
def test_a_constant_image_becomes_zero(value):
    image = np.full((30, 50, 1), value, dtype=np.float32)
    assert torch.equal(Preprocess((16, 16), 1).image_tensor(image), torch.zeros(1, 16, 16))


def test_zscore_ignores_gain_and_offset_of_the_camera():
    image = ramp(20, 20, dtype=np.float32)
    prepare = Preprocess((10, 10), 1)
    torch.testing.assert_close(
        prepare.image_tensor(image), prepare.image_tensor(273.15 + 0.01 * image), atol=1e-4, rtol=0
    )


def test_unit_of_8_bits_is_a_255th():
    tensor = Preprocess((1, 3), 1, "unit").image_tensor(np.array([[0, 51, 255]], dtype=np.uint8))
    torch.testing.assert_close(tensor[0, 0], torch.tensor([0.0, 0.2, 1.0]))


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_unit_of_other_depths_runs_between_robust_percentiles(dtype):
    image = np.arange(1001, dtype=dtype).reshape(1, 1001)
    tensor = Preprocess((1, 1001), 1, "unit").image_tensor(image)[0, 0]
    # The 0.5 and 99.5 % percentiles of 0 … 1000 are 5 and 995.
    assert tensor[:6].tolist() == [0] * 6
    assert tensor[995:].tolist() == [1] * 6
    assert tensor[500].item() == pytest.approx(495 / 990)


def test_unit_of_a_constant_16_bit_image_is_finite():
    assert torch.equal(
        Preprocess((4, 4), 1, "unit").image_tensor(np.full((4, 4), 9, np.uint16)), torch.zeros(1, 4, 4)
    )


def test_grey_is_repeated_and_colour_reduced_to_its_luma():
    rgb = np.random.default_rng(0).integers(0, 256, (9, 7, 3), dtype=np.uint8)
    grey = Preprocess((9, 7), 1, "unit").image_tensor(rgb)
    pillow = np.asarray(Image.fromarray(rgb).convert("L")) / 255
    np.testing.assert_allclose(grey[0].numpy(), pillow, atol=1 / 255)
    repeated = Preprocess((9, 7), 3, "unit").image_tensor(rgb[..., 0])
    torch.testing.assert_close(repeated[0], repeated[1])
    torch.testing.assert_close(repeated[0], repeated[2])


def test_an_alpha_channel_is_dropped():
    rgba = np.random.default_rng(0).integers(0, 256, (9, 7, 4), dtype=np.uint8)
    for channels in (1, 3):
        prepare = Preprocess((9, 7), channels)
        # Arrays of other strides are summed in another order, so that the last digits may differ.
        for whole, part in ((rgba, rgba[..., :3]), (rgba[..., :2], rgba[..., :1])):
            torch.testing.assert_close(prepare.image_tensor(whole), prepare.image_tensor(part), atol=1e-5, rtol=0)
        # A control that must differ: another colour.
        other = rgba.copy()
        other[..., 0] = 255 - other[..., 0]
        assert (prepare.image_tensor(other) - prepare.image_tensor(rgba)).abs().max() > 0.1
    assert Preprocess((9, 7), 4).image_tensor(rgba).shape == (4, 9, 7)


def test_channels_without_a_conversion_are_refused():
    with pytest.raises(DataError, match="has 7 channels, the network takes 3"):
        Preprocess((8, 8), 3).image_tensor(ramp(8, 8, 7))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_missing_values_are_refused(value):
    image = ramp(8, 8, dtype=np.float32)
    image[3, 4] = value
    with pytest.raises(DataError, match="NaN or infinite"):
        Preprocess((8, 8), 1).image_tensor(image)


def test_shrinking_averages_instead_of_picking():
    noise = np.random.default_rng(0).integers(0, 256, (160, 160), dtype=np.uint8)
    small = Preprocess((20, 20), 1, "unit").image_tensor(noise)
    # Picking would leave half of the deviation of 1/sqrt(12); averages over 8 x 8 pixels leave about a tenth.
    assert small.std() < 0.15 / 12**0.5


@pytest.mark.parametrize(("shape", "size"), [((30, 40), (12, 20)), ((12, 20), (30, 40)), ((224, 224), (7, 5))])
def test_image_and_mask_stay_aligned(shape, size):
    """A linear ramp lands on the same values whether resized as an image or as (fine) labels."""
    rows = np.broadcast_to(np.linspace(0, 250, shape[0]).round()[:, None], shape).astype(np.uint8)
    prepare = Preprocess(size, 1, "unit")
    image = prepare.image_tensor(rows)[0] * 255
    mask = prepare.mask_tensor(rows).float()
    step = 250 / (min(shape[0], size[0]) - 1)
    inner = slice(1, -1)
    assert (image - mask)[inner].abs().max() <= 0.5 * step + 1
    assert (image - mask)[inner].mean().abs() < 0.15 * step + 0.5


def test_a_mask_keeps_its_labels_and_gets_no_new_one():
    mask = np.random.default_rng(0).choice([0, 1, 2, 255], (37, 53)).astype(np.uint8)
    labels = Preprocess((64, 31), 1).mask_tensor(mask)
    assert labels.shape == (64, 31)
    assert labels.dtype == torch.int64
    assert set(labels.unique().tolist()) == {0, 1, 2, 255}


def test_a_mask_of_the_right_size_is_unchanged():
    mask = np.random.default_rng(0).integers(0, 3, (6, 5)).astype(np.uint8)
    assert (Preprocess((6, 5), 1).mask_tensor(mask).numpy() == mask).all()


def test_a_doubled_mask_repeats_every_pixel():
    mask = np.array([[0, 1], [2, 3]], dtype=np.uint8)
    expected = mask.repeat(2, axis=0).repeat(2, axis=1)
    assert (Preprocess((4, 4), 1).mask_tensor(mask).numpy() == expected).all()


def test_settings_travel_as_json():
    prepare = Preprocess((120, 160), 3, "unit")
    assert Preprocess.from_dict(json.loads(json.dumps(prepare.to_dict()))) == prepare


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"size": [1, 2]},
        {"size": [4, 4], "channels": 1, "intensity": "zscore", "gamma": 2},
        {"size": [4, 4], "channels": 1, "intensity": "loud"},
        {"size": [4], "channels": 1},
        {"size": [4, 0], "channels": 1},
        {"size": [4, 4], "channels": 0},
    ],
)
def test_broken_settings_are_refused(values):
    with pytest.raises(ConfigError):
        Preprocess.from_dict(values)


def test_the_given_array_is_not_changed():
    image = ramp(8, 8, dtype=np.float32)
    before = image.copy()
    Preprocess((8, 8), 1).image_tensor(image)
    Preprocess((8, 8), 1, "unit").image_tensor(image)
    np.testing.assert_array_equal(image, before)


def test_area_keeps_the_shape_of_a_picture():
    prepare = Preprocess((192, 256), 1, fit="area")
    assert prepare.size_for(480, 640) == (192, 256) and prepare.size_for(640, 480) == (256, 192)
    assert prepare.size_for(100, 100) == (224, 224)  # 221.7, of which 224 is the nearest multiple of 16
    assert prepare.size_for(10, 1000) == (112, 448)  # squeezed to 1 : 4
    assert prepare.image_tensor(ramp(64, 48)).shape == (1, 256, 192)
    assert prepare.mask_tensor(np.zeros((64, 48), np.uint8)).shape == (256, 192)
    assert Preprocess.from_dict(prepare.to_dict()) == prepare


@given(st.integers(1, 3000), st.integers(1, 3000))
def test_area_gives_about_as_many_pixels_to_every_shape(height, width):
    tall, wide = Preprocess((192, 256), 1, fit="area").size_for(height, width)
    assert tall % 16 == 0 == wide % 16
    assert 0.85 < tall * wide / (192 * 256) < 1.15
    if 1 / 3 < height / width < 3:
        assert abs(tall / wide * width / height - 1) < 0.15


def test_models_of_before_are_stretched():
    assert Preprocess.from_dict({"size": [64, 64], "channels": 1, "intensity": "unit"}).fit == "stretch"
    with pytest.raises(ConfigError, match="fit"):
        Preprocess((64, 64), 1, fit="crop")

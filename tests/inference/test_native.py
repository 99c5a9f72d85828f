"""Images at their own pixels: any size, in tiles where they are large."""

import numpy as np
import pytest
import torch

from prismseg.base import ConfigError, ModelError
from prismseg.data import Preprocess
from prismseg.inference import Predictor
from prismseg.nets import create_model
from prismseg.nets.ensemble.feed import common_preprocess
from prismseg.nets.instant import tiles
from prismseg.nets.instant.tiles import compute_in_tiles
from prismseg.nets.skips.pieces import ImageStatistics


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(1)
    model = create_model("unet", skip="none", in_channels=1, classes=3, width=0.1)
    model.metadata |= {
        "preprocess": Preprocess((32, 32), 1, fit="native").to_dict(),
        "classes": ["background", "nerve", "vessel"],
        "mirror": True,
        "postprocess": "none",
    }
    return model


def noise(height, width, dtype=np.uint8):
    return np.random.default_rng(0).integers(0, 250, (height, width)).astype(dtype)


@pytest.mark.parametrize("mirror", [False, True])
def test_tiles_give_what_the_whole_image_gives(network, monkeypatch, mirror):
    image, predictor = noise(310, 275), Predictor(network, mirror=mirror)
    image[:150] //= 9  # so that pieces differ in what layers take means over
    whole = predictor(image).probabilities
    monkeypatch.setattr(compute_in_tiles, "__kwdefaults__", {"look": None, "tile": 64, "margin": 96})
    assert np.abs(predictor(image).probabilities - whole).max() < 1e-3
    # A control: without enough of what lies around a tile, seams are seen.
    monkeypatch.setattr(compute_in_tiles, "__kwdefaults__", {"look": None, "tile": 64, "margin": 0})
    assert np.abs(predictor(image).probabilities - whole).max() > 1e-3
    # Another: pieces that are each brought to root mean square 1 do not fit together.
    monkeypatch.setattr(compute_in_tiles, "__kwdefaults__", {"look": None, "tile": 64, "margin": 96})
    monkeypatch.setattr(ImageStatistics, "needed", False)
    assert np.abs(predictor(image).probabilities - whole).max() > 1e-3


def test_images_keep_their_pixels_and_shrink_by_means():
    image = noise(7, 5).astype(np.float32)
    assert torch.equal(
        Preprocess((8, 8), 1, "unit", "native").image_tensor(image.astype(np.uint8)),
        torch.from_numpy(image / 255)[None],
    )
    small = Preprocess((8, 8), 1, "unit", "native", shrink=3).resample(image[..., None], None)[0]
    assert small.shape == (3, 2)
    assert small[0, 0] == pytest.approx(image[:3, :3].mean()) and small[2, 1] == pytest.approx(image[6, 3:].mean())
    labels = np.arange(35, dtype=np.uint8).reshape(7, 5)
    kept = Preprocess((8, 8), 1, "unit", "native", shrink=3).mask_tensor(labels)
    assert kept.tolist() == [[6, 9], [21, 24], [31, 34]]  # the middle of each square, cut off at the border


def test_a_shrunk_image_s_mask_has_its_size_and_place(network):
    image = noise(61, 44)
    predictor = Predictor(network, shrink=4)
    prediction = predictor(image)
    assert prediction.mask.shape == (61, 44) and prediction.probabilities.shape == (3, 61, 44)
    np.testing.assert_array_equal(predictor.segment(image), prediction.mask)
    low = predictor.probabilities(predictor.preprocess.image_tensor(image)[None])[0]
    # Bilinear by pixel centres: the middle of four low pixels' squares is their mean.
    middle = prediction.probabilities[:, 3:5, 3:5].mean((1, 2))
    np.testing.assert_allclose(middle, low[:, :2, :2].mean((1, 2)), atol=1e-6)


def test_large_images_share_no_pass(network, monkeypatch):
    monkeypatch.setattr("prismseg.inference.predictor.BATCH_PIXELS", 5000)
    predictor, seen = Predictor(network), []
    original = predictor.probabilities
    monkeypatch.setattr(predictor, "probabilities", lambda batch: seen.append(len(batch)) or original(batch))
    found = list(predictor.predict([noise(40, 60)] * 5 + [noise(40, 200)] * 2))
    assert seen == [3, 2, 1, 1]
    assert [prediction.mask.shape for prediction in found] == [(40, 60)] * 5 + [(40, 200)] * 2


def test_settings_that_mean_nothing_are_refused():
    with pytest.raises(ConfigError, match="fit native"):
        Preprocess((8, 8), 1, shrink=2)
    with pytest.raises(ConfigError, match="whole number"):
        Preprocess((8, 8), 1, fit="native", shrink=0)
    assert "shrink" not in Preprocess((8, 8), 1).to_dict()  # networks are described as earlier versions did
    shrunk = Preprocess((8, 8), 1, fit="native", shrink=2)
    assert Preprocess.from_dict(shrunk.to_dict()) == shrunk


def test_only_networks_that_are_fed_alike_are_combined():
    one, other = (Preprocess((side, side), 1, fit="native") for side in (32, 64))
    assert common_preprocess([one, other]) == one
    for unlike in (Preprocess((32, 32), 1), Preprocess((32, 32), 1, "unit", "native")):
        with pytest.raises(ModelError, match="fed in the same way"):
            common_preprocess([one, unlike])


def test_tiles_are_multiples_of_the_stride():
    seen = []

    def record(part):
        seen.append(tuple(part.shape[-2:]))
        return part

    x = torch.rand(1, 1, 100, 40)
    assert torch.equal(compute_in_tiles(record, x, 16, tile=30, margin=10), x)
    assert all(side % 16 == 0 for shape in seen for side in shape) and len(seen) > 1
    assert tiles.multiple_of(16, 30) == 32

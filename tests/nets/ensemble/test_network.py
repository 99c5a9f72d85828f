"""The mean of probabilities, by hand; storage; export."""

import json
import math

import numpy as np
import onnxruntime
import pytest
import torch
from torch import nn

from prismseg.base import ModelError
from prismseg.data import Preprocess
from prismseg.inference import Predictor
from prismseg.nets import ARCHITECTURES, Ensemble, SegmentationModel, create_model, export_onnx, load_model
from prismseg.train.ensemble.combine import Member, combine

NAMES = ["background", "nerve", "vessel"]


class Linear(SegmentationModel):
    """One 1×1 convolution, so that logits are known."""

    stride = 1

    def __init__(self, settings):
        super().__init__(settings)
        self.head = nn.Conv2d(settings.in_channels, settings.classes, 1)

    def segment(self, x):
        return self.head(x)


@pytest.fixture(autouse=True)
def _linear():
    with ARCHITECTURES.temporarily("linear", Linear):
        yield


def linear(weight, bias, **preprocess):
    """Network with the logits weight · x + bias."""
    network = create_model("linear", classes=len(weight))
    with torch.no_grad():
        network.head.weight[:, 0, 0, 0] = torch.tensor(weight)
        network.head.bias[:] = torch.tensor(bias)
    return described(network, classes=max(len(weight), 2), **preprocess)


def described(network, classes=2, **preprocess):
    values = {"size": (32, 32), "channels": network.settings.in_channels} | preprocess
    network.metadata = {"classes": NAMES[:classes], "preprocess": Preprocess(**values).to_dict()}
    return network.eval()


def unet(seed, arch="unet", in_channels=1, **preprocess):
    network = create_model(arch, "crffg", width=0.125, in_channels=in_channels, seed=seed)
    return described(network, **preprocess)


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def test_one_logit_is_that_of_the_mean_probability():
    ensemble = combine([Member(linear([1.0], [0.0]), "a", 1), Member(linear([-2.0], [1.0]), "b", 3)])
    assert ensemble.weights == (0.25, 0.75)
    for x in (-1.5, 0.0, 2.0):
        p = 0.25 * sigmoid(x) + 0.75 * sigmoid(1 - 2 * x)
        logit = ensemble(torch.full((1, 1, 3, 5), x))
        assert logit.shape == (1, 1, 3, 5)
        assert logit.flatten().tolist() == pytest.approx([math.log(p / (1 - p))] * 15, abs=1e-5)


def test_several_logits_are_logarithms_of_the_mean_probabilities():
    first, second = linear([0.0, 1.0, 2.0], [0.5, 0.0, -0.5]), linear([0.0, -1.0, 0.0], [0.0, 0.0, 1.0])
    ensemble = combine([Member(first, "a"), Member(second, "b")])
    x = 0.8
    one, two = np.exp([0.5, x, 2 * x - 0.5]), np.exp([0.0, -x, 1.0])
    mean = (one / one.sum() + two / two.sum()) / 2
    logits = ensemble(torch.full((1, 1, 2, 2), x))[0, :, 0, 0]
    assert logits.tolist() == pytest.approx(np.log(mean).tolist(), abs=1e-6)


@pytest.mark.parametrize("classes", [1, 3])
def test_members_that_are_certain_leave_finite_logits(classes):
    certain = linear([300.0] if classes == 1 else [0.0, 300.0, -300.0], [0.0] * classes)
    logits = combine([Member(certain, "a"), Member(certain, "b")])(torch.ones(1, 1, 4, 4))
    assert logits.isfinite().all() and (logits[:, -1] > 80 if classes == 1 else logits[:, 1] == 0).all()


def test_a_prediction_is_the_mean_of_the_members_own():
    members = [
        unet(0, intensity="zscore"),
        unet(1, "resunet", intensity="unit", in_channels=3),
        unet(2, "fcn", intensity="zscore"),
    ]
    weights = (0.5, 0.2, 0.3)
    ensemble = combine(
        [Member(network, str(k), weight) for k, (network, weight) in enumerate(zip(members, weights, strict=True))]
    )
    image = np.random.default_rng(0).integers(0, 256, (45, 60, 3), dtype=np.uint8)
    expected = sum(
        weight * Predictor(network)(image).probabilities for weight, network in zip(weights, members, strict=True)
    )
    found = Predictor(ensemble)(image)
    np.testing.assert_allclose(found.probabilities, expected, atol=2e-5)
    assert (found.mask == expected.argmax(0)).mean() > 0.999


def test_members_of_other_sizes_see_the_image_at_theirs():
    sizes = []
    small, large = unet(0, size=(16, 24)), unet(1, size=(32, 40))
    ensemble = combine([Member(small, "small"), Member(large, "large")])
    for network in ensemble.members:
        network.register_forward_pre_hook(lambda _, given: sizes.append(tuple(given[0].shape[-2:])))
    probabilities = Predictor(ensemble)(np.random.default_rng(0).random((50, 60), np.float32)).probabilities
    assert sizes == [(16, 24), (32, 40)] and probabilities.shape == (2, 50, 60)
    np.testing.assert_allclose(probabilities.sum(0), 1, atol=1e-5)
    # Alone, the larger one is fed as if there were no other.
    image = np.random.default_rng(1).random((50, 60), np.float32)
    np.testing.assert_allclose(
        Predictor(ensemble.alone(1))(image).probabilities, Predictor(large)(image).probabilities, atol=1e-6
    )


def test_alone_shares_weights_and_leaves_the_ensemble_as_it_is():
    ensemble = combine([Member(unet(0), "a", 1), Member(unet(1), "b", 2)])
    x = torch.rand(1, 1, 32, 32)
    before, alone = ensemble(x), ensemble.alone(1)
    assert alone.names == ("b",) and alone.weights == (1.0,) and len(alone.members) == 1
    assert alone.members[0] is ensemble.members[1]
    torch.testing.assert_close(ensemble(x), before, rtol=0, atol=0)
    torch.testing.assert_close(alone(x), ensemble.members[1](x), atol=1e-5, rtol=0)


def test_is_stored_in_one_folder_and_loaded_to_the_bit(tmp_path):
    ensemble = combine([Member(unet(0), "a", 1), Member(unet(1, "fcn", size=(24, 24), intensity="unit"), "b", 2)])
    ensemble.save_pretrained(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["README.md", "config.json", "model.safetensors"]
    again = load_model(tmp_path)
    assert isinstance(again, Ensemble) and again.names == ("a", "b") and again.weights == ensemble.weights
    assert again.metadata == ensemble.metadata
    x = torch.rand(2, 1, 32, 32)
    torch.testing.assert_close(again(x), ensemble(x), rtol=0, atol=0)
    members = json.loads((tmp_path / "config.json").read_text())["model"]["options"]["members"]
    assert [member["model"]["arch"] for member in members] == ["unet", "fcn"]
    assert "a" in (tmp_path / "README.md").read_text()


def test_damaged_options_are_named(tmp_path):
    combine([Member(unet(0), "a")]).save_pretrained(tmp_path)
    path = tmp_path / "config.json"
    config = json.loads(path.read_text())
    config["model"]["options"]["members"][0]["weight"] = -1
    path.write_text(json.dumps(config))
    with pytest.raises(ModelError, match=r"members\.0\.weight: Input should be greater than 0"):
        load_model(tmp_path)


def test_onnx_agrees_with_torch_also_where_members_want_other_sizes(tmp_path):
    ensemble = combine(
        [Member(unet(0, size=(48, 32), intensity="unit"), "a"), Member(unet(1, "resunet", size=(32, 48)), "b")]
    )
    assert export_onnx(ensemble, tmp_path / "net.onnx") < 1e-4
    images = torch.rand(2, 1, 57, 44)
    (found,) = onnxruntime.InferenceSession(str(tmp_path / "net.onnx")).run(None, {"images": images.numpy()})
    with torch.no_grad():
        expected = ensemble(images).numpy()
    np.testing.assert_allclose(found, expected, atol=1e-4 * max(1, np.abs(expected).max()))

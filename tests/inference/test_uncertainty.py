import numpy as np
import pytest
import torch
from PIL import Image
from scipy.stats import entropy as scipy_entropy

from prismseg.inference import Predictor, find_uncertainty, predict_files
from prismseg.inference.uncertainty import draw_entropy, entropy_of
from prismseg.nets import InstantHead, create_model


def predictor_of(network, size=(32, 32)):
    classes = max(network.settings.classes, 2)
    network.metadata = {
        "preprocess": {"size": list(size), "channels": 1, "intensity": "zscore", "fit": "stretch"},
        "classes": [f"class {label}" for label in range(classes)],
    }
    return Predictor(network)


@pytest.fixture
def instant():
    network = create_model("instant", encoder="plain", width=0.5, classes=3, seed=0)
    generator = torch.Generator().manual_seed(0)
    inputs, outputs = network.weights.shape
    head = InstantHead(
        torch.randn(inputs, outputs, generator=generator) / 10,
        torch.randn(inputs, inputs, generator=generator) / 100,
        torch.tensor([0.1, 0.2, 0.3]),
        torch.tensor([0.0, 0.1, -0.1]),
        2.0,
    )
    return predictor_of(network.with_head(head))


@pytest.fixture
def image():
    return np.random.default_rng(0).integers(0, 255, (40, 60), np.uint8)


def test_entropy_is_scipys_in_units_of_equal_probabilities():
    p = np.random.default_rng(0).dirichlet([0.3, 0.3, 0.3], (6, 7)).transpose(2, 0, 1)
    np.testing.assert_allclose(entropy_of(p), scipy_entropy(p, axis=0, base=3), rtol=1e-6)
    assert entropy_of(np.array([[[1.0]], [[0.0]]])) == 0


def test_of_any_network_the_entropy_alone(image):
    predictor = predictor_of(create_model("unet", width=0.25, classes=3, seed=0))
    found = find_uncertainty(predictor, image)
    np.testing.assert_allclose(found.entropy, entropy_of(predictor(image).probabilities))
    assert found.epistemic is None and found.aleatoric is None and found.shares == {}


def test_of_an_instant_segmenter_variances_and_shares_too(instant, image):
    found = find_uncertainty(instant, image)
    assert found.entropy.shape == (40, 60) and found.epistemic.shape == (3, 40, 60)
    # Variances of all outputs are one leverage times their noise.
    np.testing.assert_allclose(found.epistemic[1] / found.epistemic[0], 2, rtol=1e-4)
    np.testing.assert_allclose(found.aleatoric, [0.1, 0.2, 0.3], rtol=1e-6)
    with torch.no_grad():
        logits = instant.model(instant.preprocess.image_tensor(image)[None])
    full = torch.nn.functional.interpolate(logits, size=(40, 60), mode="bilinear")[0]
    np.testing.assert_allclose(sum(found.shares.values()), full, rtol=1e-3, atol=1e-3)


def test_files_hold_all_of_it(instant, image, tmp_path):
    Image.fromarray(image).save(tmp_path / "a.png")
    predict_files(instant, tmp_path / "a.png", tmp_path / "out", uncertainty=True, show_progress=False)
    stored = np.load(tmp_path / "out" / "uncertainty" / "a.npz")
    found = find_uncertainty(instant, image)
    np.testing.assert_allclose(stored["entropy"], found.entropy, atol=1e-3)
    assert stored["parts"].tolist() == list(found.shares) == list(instant.model.parts)
    assert stored["shares"].shape == (len(found.shares), 3, 40, 60)
    np.testing.assert_allclose(stored["epistemic"], found.epistemic, rtol=2e-3)
    assert np.asarray(Image.open(tmp_path / "out" / "uncertainty" / "a.png")).shape == (40, 60, 3)
    predict_files(instant, tmp_path / "a.png", tmp_path / "plain", show_progress=False)
    assert not (tmp_path / "plain" / "uncertainty").exists()


def test_where_the_network_is_sure_the_image_is_seen():
    image = np.full((2, 2, 1), 100, np.uint8)
    drawn = draw_entropy(image, np.array([[0.0, 1.0], [0.0, 1.0]], np.float32))
    assert (drawn[:, 0] == 100).all() and (drawn[:, 1] > drawn[:, 0]).any()

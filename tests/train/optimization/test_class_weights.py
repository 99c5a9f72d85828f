"""Weights of classes in losses, against PyTorch's and by hand, and where runs get them from."""

import inspect

import pytest
import torch
import torch.nn.functional as F

from prismseg.base import ConfigError
from prismseg.train import Trainer
from prismseg.train.optimization.class_weights import balance, count_pixels
from prismseg.train.optimization.losses import IGNORE, create_loss
from prismseg.train.registries import LOSSES

from ..conftest import small_config

WEIGHTED = ["dice", "ce", "dice_ce", "focal", "tversky"]


def batch(classes, seed=0):
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(2, classes, 5, 6, generator=generator)
    target = torch.randint(0, max(classes, 2), (2, 5, 6), generator=generator)
    target[0, 0] = IGNORE
    return logits, target


@pytest.mark.parametrize("weights", [(1.0, 2.0, 5.0), (0.0, 1.0, 0.5)])
def test_cross_entropy_is_pytorchs_image_by_image(weights):
    logits, target = batch(3)
    expected = torch.stack([
        F.cross_entropy(one[None], labels[None], torch.tensor(weights), ignore_index=IGNORE)
        for one, labels in zip(logits, target, strict=True)
    ]).mean()  # fmt: skip
    torch.testing.assert_close(create_loss("ce", 3, weights)(logits, target), expected)


def test_cross_entropy_of_one_logit():
    logits, target = batch(1)
    both = torch.cat([torch.zeros_like(logits), logits], dim=1)
    expected = create_loss("ce", 2, (1.0, 7.0))(both, target)
    torch.testing.assert_close(create_loss("ce", 1, (1.0, 7.0))(logits, target), expected)


def test_dice_is_the_weighted_mean_over_classes():
    logits, target = batch(3)
    probability = logits.softmax(1)
    valid = target != IGNORE
    total = torch.zeros(())
    for image in range(2):
        for label, weight in enumerate((1.0, 2.0, 5.0)):
            m, p = (target[image] == label) * valid[image], probability[image, label] * valid[image]
            total += weight * (1 - (2 * (m * p).sum() + 1) / (m.sum() + p.sum() + 1)) / 8 / 2
    torch.testing.assert_close(create_loss("dice", 3, (1.0, 2.0, 5.0))(logits, target), total)
    logits, target = batch(1)  # the foreground alone
    torch.testing.assert_close(
        create_loss("dice", 1, (1.0, 9.0))(logits, target), create_loss("dice", 1)(logits, target)
    )


@pytest.mark.parametrize("classes", [1, 3])
@pytest.mark.parametrize("name", WEIGHTED)
def test_equal_weights_change_nothing_and_their_scale_does_not_matter(name, classes):
    logits, target = batch(classes)
    count = max(classes, 2)
    plain = create_loss(name, classes)(logits, target)
    torch.testing.assert_close(create_loss(name, classes, (4.0,) * count)(logits, target), plain)
    uneven = [create_loss(name, classes, [s * k for k in range(1, count + 1)])(logits, target) for s in (1, 3)]
    torch.testing.assert_close(*uneven)
    assert (uneven[0] != plain) == (name not in ("dice", "tversky") or classes > 1)


def test_what_cannot_be_weighted_is_refused():
    takes = {name for name in LOSSES if "weights" in inspect.signature(LOSSES[name]).parameters}
    assert takes == set(WEIGHTED)
    with pytest.raises(ConfigError, match="takes no class weights"):
        create_loss("unified_focal", 1, (1, 2))
    with pytest.raises(ConfigError, match="2 classes and 3 class weights"):
        create_loss("ce", 1, (1, 2, 3))


def test_balanced_weights_are_those_of_the_training_pixels(discs, tmp_path):
    trainer = Trainer(small_config(discs, optim={"class_weights": "balanced", "steps": 1}), tmp_path / "run")
    counts = count_pixels(trainer.dataset, trainer.split.train)
    assert trainer.loss.weights.tolist() == pytest.approx([sum(counts) / (2 * count) for count in counts])
    assert any(note.startswith("Class weights, balanced: background") for note in trainer.notes)
    assert balance([30, 0, 10]) == pytest.approx((40 / 60, 1.0, 2.0))
    with pytest.raises(ConfigError, match="nothing to learn"):
        Trainer(small_config(discs, optim={"class_weights": (0.0, 0.0)}), tmp_path / "other")
    assert Trainer(small_config(discs, optim={"class_weights": (1, 3)}), tmp_path / "third").loss.weights[1] == 3

"""Train on images with a planted shortcut, and measure what the network rests on."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from prismseg.nets import SegmentationModel, create_model
from prismseg.study.kinds.shortcut.images import MARK, NOISE, SIDE, cut_out
from prismseg.study.kinds.shortcut.scenes import Crops, Discs, Source
from prismseg.study.kinds.shortcut.settings import Mark, ShortcutSettings
from prismseg.train.optimization.losses import create_loss
from prismseg.train.optimization.relevance import RelevancePenalty
from prismseg.train.optimization.schedules import learning_rate

TESTED, BATCH, RATE, MARGIN, EVERY = 48, 8, 5e-3, 4, 4
FOUND = 2.0  # times what it would be by chance, from which a mark counts as found
MEASURES = (
    "dice_tied", "dice_none", "dice_flipped", "mark_gradient", "mark_occluded", "found", "found_occluded", "step_seconds",
)  # fmt: skip
_TESTS: tuple[Mark, ...] = ("tied", "none", "flipped")
_TEST_SEED = 10_000  # of test images, the same for all trainings


def run_shortcut(settings: ShortcutSettings, folder: Path) -> pd.DataFrame:
    """Train a network, test it with the mark tied, absent and flipped, and look for the mark.

    Returns
    -------
    DataFrame
        Columns case, group (of discs each image its own), measure, value: ``dice_tied``, ``dice_none``,
        ``dice_flipped`` (of the class that the image shows); on images with a mark ``mark_gradient`` (the share of
        the squared gradient times value of the class's score that lies on the mark, over the share of the image that
        it covers: 1 is chance) and ``mark_occluded`` (how much the score changes when the mark is replaced by ground,
        over the change when another corner is); ``found`` and ``found_occluded``: 1 where these are above 2. Without
        a mark in training they are false alarms. ``step_seconds`` is that of a step.
    """
    source: Source = Discs() if settings.data is None else Crops.read(settings.data)
    network, seconds = train_network(settings, source)
    rows: list[dict[str, Any]] = [{"case": "", "group": "", "measure": "step_seconds", "value": seconds}]
    for mark in _TESTS:
        images, masks, groups = source.draw(TESTED, mark, _TEST_SEED, "test")
        rows += _rows(f"dice_{mark}", dice_of(network, images, masks), groups)
    # The odd images show class 2, which has no mark.
    scenes = source.draw(TESTED, "tied", 2 * _TEST_SEED, "test")
    images, masks, groups = scenes.images[::2], scenes.masks[::2], scenes.groups[::2]
    for name, values in (
        ("mark_gradient", mark_gradient(network, images, masks)),
        ("mark_occluded", mark_effect(network, images, masks)),
    ):
        found = "found" if name == "mark_gradient" else "found_occluded"
        rows += _rows(name, values, groups) + _rows(found, (values > FOUND).float(), groups)
    return pd.DataFrame(rows)


def train_network(settings: ShortcutSettings, source: Source) -> tuple[SegmentationModel, float]:
    """Train a network; also give the seconds of a step."""
    images, masks, _ = source.draw(settings.images, settings.mark, settings.seed, "train")
    network = create_model("unet", "crffg", width=settings.width, classes=3, seed=settings.seed)
    loss, penalty = create_loss("dice_ce", 3), RelevancePenalty(settings.relevance, MARGIN, EVERY)
    optimizer = torch.optim.AdamW(network.parameters(), lr=RATE)
    generator = torch.Generator().manual_seed(settings.seed)
    start = time.perf_counter()
    for step in range(settings.steps):
        optimizer.param_groups[0]["lr"] = learning_rate("onecycle", step, settings.steps, RATE)
        chosen = torch.randint(0, len(images), (BATCH,), generator=generator)
        x, target = images[chosen], masks[chosen]
        x = cut_out(x, generator) if settings.cut_out else x
        value = loss(network(x), target) + penalty.at(step, network, x, target)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
    return network.eval(), (time.perf_counter() - start) / settings.steps


def dice_of(network: SegmentationModel, images: Tensor, masks: Tensor) -> Tensor:
    """Dice (N,) of the class that each image shows."""
    with torch.inference_mode():
        labels = network(images).argmax(1)
    shown = masks.amax((1, 2))[:, None, None]
    found, true = labels == shown, masks == shown
    overlap: Tensor = 2 * (found & true).sum((1, 2)) / (found.sum((1, 2)) + true.sum((1, 2))).clamp_min(1)
    return overlap


def mark_gradient(network: SegmentationModel, images: Tensor, masks: Tensor) -> Tensor:
    """Share (N,) of the relevance that lies on the mark, over the share of the image that it covers.

    Relevance is the square of gradient times value. The gradient alone misses a mark by which a network is saturated.
    """
    pixels = images.clone().requires_grad_(True)
    (gradient,) = torch.autograd.grad(_scores(network, pixels, masks).sum(), pixels)
    relevance = (gradient * pixels.detach()).square().sum(1)
    share = relevance[:, :MARK, :MARK].sum((1, 2)) / relevance.sum((1, 2))
    return share / (MARK / SIDE) ** 2


@torch.no_grad()
def mark_effect(network: SegmentationModel, images: Tensor, masks: Tensor) -> Tensor:
    """Change (N,) of the score where the mark is replaced by ground, over the mean change where another corner is."""
    ground = torch.randn(len(images), 1, MARK, MARK, generator=torch.Generator().manual_seed(0)) * NOISE
    without, other = images.clone(), images.clone()
    without[..., :MARK, :MARK] = ground
    other[..., -MARK:, :MARK] = ground
    whole, marked, elsewhere = (_scores(network, x, masks) for x in (images, without, other))
    usual = (whole - elsewhere).abs().mean().clamp_min(torch.finfo(whole.dtype).tiny)
    return (whole - marked).abs() / usual


def _scores(network: SegmentationModel, x: Tensor, masks: Tensor) -> Tensor:
    """Sum (N,) of the logarithms of the true class's probability over the foreground."""
    scores = torch.log_softmax(network(x), 1).gather(1, masks[:, None])[:, 0]
    return (scores * (masks > 0)).sum((1, 2))


def _rows(measure: str, values: Tensor, groups: Sequence[str]) -> list[dict[str, Any]]:
    return [
        {"case": str(number), "group": group, "measure": measure, "value": value}
        for number, (group, value) in enumerate(zip(groups, values.tolist(), strict=True))
    ]

"""A planted shortcut: is it found, and does training guided by relevance unlearn it?

    python benchmarks/shortcut.py --quick     # one seed, 120 steps: about a minute on one core
    python benchmarks/shortcut.py             # three seeds, 400 steps

Images show a disc of one of two classes, told apart by the direction of faint stripes. In training a bright mark in
a corner says which class it is, too; in the test "flipped" it says the other, in "none" it is absent. Rows: plain
training, augmentation by cut-out (random squares of each training image are filled), relevance at several weights,
and training without a mark, the best there is. "mark, gradient" is the share of the squared gradient that lies on the
mark (then of gradient times value), over the share of the image that it covers: 1 is chance. "mark, occluded" is how much
the score changes when the mark is replaced by ground, over the change when another corner is. "step" is the time of a
step over that of plain training.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from prismseg.nets import SegmentationModel, create_model
from prismseg.train.optimization.losses import create_loss
from prismseg.train.optimization.relevance import RelevancePenalty
from prismseg.train.optimization.schedules import learning_rate

SIDE, MARK, MARGIN = 48, 8, 4
TRAINED, TESTED, BATCH, RATE = 96, 48, 8, 5e-3
STRIPES, NOISE = 0.15, 0.4  # chosen so that the network without a mark learns the task, but not at once


def draw_images(count: int, mark: str, seed: int) -> tuple[Tensor, Tensor]:
    """Images (N, 1, S, S) and masks (N, S, S) of classes 1 and 2; `mark` is "tied", "flipped" or "none"."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:SIDE, :SIDE]
    images, masks = [], []
    for number in range(count):
        cls = 1 + number % 2
        centre = rng.uniform(18, SIDE - 12, 2)
        disc = np.hypot(rows - centre[0], columns - centre[1]) < rng.uniform(7, 10)
        stripes = np.sign(np.sin((rows if cls == 1 else columns) * np.pi / 2 + rng.uniform(0, 6)))
        image = disc * (1 + STRIPES * stripes) + rng.normal(0, NOISE, disc.shape)
        if mark == "none" or (cls == 1) != (mark == "tied"):
            image[:MARK, :MARK] = rng.normal(0, NOISE, (MARK, MARK))
        else:
            image[:MARK, :MARK] = 3
        images.append(image)
        masks.append(disc * cls)
    return torch.tensor(np.stack(images), dtype=torch.float32)[:, None], torch.tensor(np.stack(masks)).long()


def cut_out(images: Tensor, generator: torch.Generator) -> Tensor:
    """Fill a random square of 12 pixels of each image with 0."""
    cut = images.clone()
    for image, (row, column) in zip(
        cut, torch.randint(0, SIDE - 11, (len(cut), 2), generator=generator), strict=True
    ):
        image[:, row : row + 12, column : column + 12] = 0
    return cut


def train(
    mark: str, steps: int, seed: int, *, weight: float = 0.0, cut: bool = False
) -> tuple[SegmentationModel, float]:
    """Train a network; also give the seconds a step."""
    images, masks = draw_images(TRAINED, mark, seed)
    network, loss = create_model("unet", "crffg", width=0.5, classes=3, seed=seed), create_loss("dice_ce", 3)
    optimizer, penalty = torch.optim.AdamW(network.parameters(), lr=RATE), RelevancePenalty(weight, MARGIN, 4)
    generator = torch.Generator().manual_seed(seed)
    start = time.perf_counter()
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = learning_rate("onecycle", step, steps, RATE)
        chosen = torch.randint(0, TRAINED, (BATCH,), generator=generator)
        x, target = images[chosen], masks[chosen]
        x = cut_out(x, generator) if cut else x
        value = loss(network(x), target) + penalty.at(step, network, x, target)
        optimizer.zero_grad()
        value.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return network.eval(), (time.perf_counter() - start) / steps


def dice(network: SegmentationModel, mark: str, seed: int) -> float:
    """Mean Dice of the class that each test image shows."""
    images, masks = draw_images(TESTED, mark, seed + 10_000)
    with torch.inference_mode():
        labels = network(images).argmax(1)
    values = []
    for label, mask in zip(labels, masks, strict=True):
        cls = int(mask.max())
        found, true = label == cls, mask == cls
        values.append(2 * int((found & true).sum()) / max(int(found.sum() + true.sum()), 1))
    return float(np.mean(values))


def mark_relevance(network: SegmentationModel, seed: int, *, times_value: bool) -> float:
    """Share of the relevance on the mark over its share of the image, where the tied mark is there."""
    images, masks = draw_images(TESTED, "tied", seed + 20_000)
    images, masks = images[::2], masks[::2]
    pixels = images.requires_grad_(True)
    scores = torch.log_softmax(network(pixels), 1).gather(1, masks[:, None])[:, 0]
    (gradient,) = torch.autograd.grad((scores * (masks > 0)).sum(), pixels)
    relevance = (gradient * pixels if times_value else gradient).square().sum(1)
    share = relevance[:, :MARK, :MARK].sum((1, 2)) / relevance.sum((1, 2))
    return float(share.detach().mean()) / (MARK / SIDE) ** 2


def mark_effect(network: SegmentationModel, seed: int) -> float:
    """Mean change of the score where the mark is replaced by ground, over that where another corner is."""
    images, masks = draw_images(TESTED, "tied", seed + 20_000)
    images, masks = images[::2], masks[::2]
    ground = torch.randn(len(images), 1, MARK, MARK, generator=torch.Generator().manual_seed(seed)) * NOISE
    without, other = images.clone(), images.clone()
    without[..., :MARK, :MARK] = ground
    other[..., -MARK:, :MARK] = ground
    foreground = masks > 0
    with torch.inference_mode():
        scores = [
            (torch.log_softmax(network(x), 1).gather(1, masks[:, None])[:, 0] * foreground).sum((1, 2))
            for x in (images, without, other)
        ]
    return float((scores[0] - scores[1]).abs().mean() / (scores[0] - scores[2]).abs().mean())


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=400)
    options = parser.parse_args()
    seeds, steps = (1, 120) if options.quick else (options.seeds, options.steps)
    ways: dict[str, Callable[[int], tuple[SegmentationModel, float]]] = {
        "plain": lambda seed: train("tied", steps, seed),
        "cut-out": lambda seed: train("tied", steps, seed, cut=True),
        "relevance 1": lambda seed: train("tied", steps, seed, weight=1.0),
        "relevance 2": lambda seed: train("tied", steps, seed, weight=2.0),
        "no mark in training": lambda seed: train("none", steps, seed),
        "no mark, relevance 1": lambda seed: train("none", steps, seed, weight=1.0),
    }
    print(f"{seeds} seeds, {steps} steps, {TESTED} test images\n")
    print(
        "| training | Dice, mark tied | none | flipped | mark, gradient | gradient x value | mark, occluded | step |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    plain = 0.0
    for name, make in ways.items():
        rows = []
        for seed in range(seeds):
            network, seconds = make(seed)
            tests = [dice(network, mark, seed) for mark in ("tied", "none", "flipped")]
            marks = [mark_relevance(network, seed, times_value=way) for way in (False, True)]
            rows.append([*tests, *marks, mark_effect(network, seed), seconds])
        mean = np.mean(rows, axis=0)
        plain = plain or mean[6]
        print(
            f"| {name} |",
            " | ".join(f"{value:.3f}" for value in mean[:3]),
            f"| {mean[3]:.1f} | {mean[4]:.1f} | {mean[5]:.0f} | {mean[6] / plain:.2f} |",
        )


if __name__ == "__main__":
    main()

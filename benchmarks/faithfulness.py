"""Faithfulness of every map method on phantoms whose evidence is planted.

    python benchmarks/faithfulness.py
    python benchmarks/faithfulness.py --data FOLDER    # a data set of images and masks: every label above 0 is the class

Images of noise hold a disc and, in half of them, a small marker elsewhere: the disc is of class 1 only where the marker
is. A small U-Net learns it, and the first lines show that it does look at the marker: without it the disc is not
predicted. So the evidence of a predicted disc is known: the disc and the marker. Each method's map (of CAM methods: the
mean over layers of maps scaled to [0, 1]) is judged by hiding pixels, and the planted truth stands among the methods as
a control: a measure of faithfulness that does not put it on top, and noise near the bottom, measures something else.
Where the evidence of real data lies nobody knows: with --data the truth is not among the methods.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from prismseg.data import Preprocess, open_dataset
from prismseg.explain import Atlas, CaseBatch, FaithfulnessSettings, measure_faithfulness
from prismseg.explain.fusion import FUSED, scale_to_unit
from prismseg.explain.registries import METHODS, knows_layer
from prismseg.explain.report.summary import IMAGE_LAYER
from prismseg.nets import create_model

SIDE, RADIUS, MARKER = 32, 5, 3
LAYERS = ["encoder.0", "encoder.1", "encoder.2", "encoder.3"]
TRUTH, MARK = "(disc and marker)", "(marker alone)"


def phantoms(count: int, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Images (N, 1, H, W), masks (N, H, W), and the marker's pixels (N, H, W); every other image has a marker."""
    generator = np.random.default_rng(seed)
    rows, columns = np.mgrid[:SIDE, :SIDE]
    images = 0.1 * generator.standard_normal((count, SIDE, SIDE))
    masks, markers = np.zeros((count, SIDE, SIDE), int), np.zeros((count, SIDE, SIDE), bool)
    for number in range(count):
        y, x = generator.uniform(RADIUS + 1, SIDE - RADIUS - 2), generator.uniform(RADIUS + 1, SIDE / 2 - 2)
        disc = (rows - y) ** 2 + (columns - x) ** 2 < RADIUS**2
        images[number] += 0.5 * disc
        if number % 2 == 0:
            top, left = (
                generator.integers(2, SIDE - MARKER - 2),
                generator.integers(SIDE * 3 // 4 - 1, SIDE - MARKER - 1),
            )
            markers[number, top : top + MARKER, left : left + MARKER] = True
            images[number] += 1.0 * markers[number]
            masks[number] = disc
    return torch.tensor(images[:, None]).float(), torch.tensor(masks), torch.tensor(markers)


def read(folder: str, side: int, count: int) -> tuple[Tensor, Tensor]:
    """Grey images (N, 1, H, W) and binary masks (N, H, W) of `count` cases, drawn once and put in order by chance."""
    dataset = open_dataset(folder, binary=True, channels=1)
    preprocess = Preprocess((side, side), 1)
    chosen = np.random.default_rng(0).permutation(len(dataset))[:count]
    samples = [dataset[int(index)] for index in chosen]
    images = torch.stack([preprocess.image_tensor(sample.image) for sample in samples])
    return images, torch.stack([preprocess.mask_tensor(sample.mask).long() for sample in samples])


def train(images: Tensor, masks: Tensor, steps: int, seed: int = 0) -> torch.nn.Module:
    torch.manual_seed(seed)
    model = create_model("unet", "none", width=0.5, seed=seed)
    optimizer = torch.optim.Adam(model.parameters(), 3e-3)
    for _ in range(steps):
        chosen = torch.randint(0, len(images), (16,))
        logits = model(images[chosen])
        loss = F.binary_cross_entropy_with_logits(logits[:, 0], masks[chosen].float())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model.eval()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=400, help="of the training")
    parser.add_argument("--cases", type=int, default=12)
    parser.add_argument("--fills", default="mean,blur,inpaint")
    parser.add_argument("--data", help="folder of images and masks in place of phantoms")
    parser.add_argument("--side", type=int, default=64, help="pixels that images of --data are brought to")
    parser.add_argument("--learn", type=int, default=64, help="images of --data to train on")
    given = parser.parse_args()
    torch.set_num_threads(1)
    begun = time.perf_counter()
    markers = None
    if given.data is not None:
        images, masks = read(given.data, given.side, given.learn + given.cases)
        model = train(images[: given.learn], masks[: given.learn], given.steps)
        images, masks = images[given.learn :], masks[given.learn :]
        print(f"trained {given.steps} steps on {given.learn} images in {time.perf_counter() - begun:.0f} s")
        with torch.no_grad():
            found = model(images)[:, 0] > 0
        print(
            f"Dice of {len(images)} others: {2 * (found & (masks == 1)).sum() / (found.sum() + masks.sum()):.2f}"
        )
    else:
        model = train(*phantoms(512, seed=1)[:2], given.steps)
        images, masks, markers = phantoms(2 * given.cases, seed=2)
        images, masks, markers = images[::2], masks[::2], markers[::2]
        without = torch.where(markers[:, None], 0.0, images)
        with torch.no_grad():
            sure, unsure = (
                torch.sigmoid(model(some))[:, 0][masks == 1].mean().item() for some in (images, without)
            )
        print(f"trained {given.steps} steps in {time.perf_counter() - begun:.0f} s")
        print(f"mean probability of the disc: {sure:.2f}; with the marker replaced by 0: {unsure:.2f}")

    batch = CaseBatch(
        images, masks, groups=[str(n) for n in range(len(images))], ids=[str(n) for n in range(len(images))]
    )
    names = [name for name in METHODS if METHODS[name].check is None]  # the others take other networks
    seconds, fused = {}, {}
    for name in names:
        atlas = Atlas(model, LAYERS, [name], classes=[1], region="truth")
        start = time.perf_counter()
        maps = atlas.maps(images, masks)
        seconds[name] = time.perf_counter() - start
        values = [scale_to_unit(maps[name, layer, 1]) for layer in atlas.layers]
        fused[name, FUSED if knows_layer(name) else IMAGE_LAYER, 1] = torch.stack(values).mean(0)
    evidence = masks == 1  # of real data the mask, as far as anybody knows
    if markers is not None:
        evidence = evidence | markers
        fused[TRUTH, FUSED, 1], fused[MARK, FUSED, 1] = evidence.float(), markers.float()
    settings = FaithfulnessSettings(fills=tuple(given.fills.split(",")), squares=30)
    atlas = Atlas(model, LAYERS, ["random"], classes=[1], region="truth")
    cases = measure_faithfulness(atlas, [batch], settings, choose=lambda maps, batch: fused)
    table = cases.groupby(["method", "fill"], sort=False)[["gap", "infidelity"]].mean().unstack()
    lit = {
        name: (values * evidence).sum() / values.sum().clamp_min(1e-9) for (name, _, _), values in fused.items()
    }
    on_marker = (
        {}
        if markers is None
        else {
            name: (values * markers).sum() / values.sum().clamp_min(1e-9) for (name, _, _), values in fused.items()
        }
    )
    order = table["gap"].mean(axis=1).sort_values(ascending=False).index
    fills = list(settings.fills)
    print(
        f"\n{'':20}{'insertion less deletion':>{9 * len(fills)}}  {'infidelity':>10}  {'share of the map on':>19}"
    )
    print(
        f"{'method':20}"
        + "".join(f"{fill:>9}" for fill in fills)
        + f"  {fills[0]:>10}  {'evidence':>9}{'marker' if markers is not None else '':>10}  ms a case"
    )
    for name in order:
        gaps = "".join(f"{table['gap'][fill][name]:9.3f}" for fill in fills)
        cost = f"{1e3 * seconds[name] / len(images):9.0f}" if name in seconds else f"{'':>9}"
        unexplained = table["infidelity"][fills[0]][name]
        marked = f"{on_marker[name]:10.2f}" if name in on_marker else f"{'':>10}"
        print(f"{name:20}{gaps}  {unexplained:10.2f}  {lit[name]:9.2f}{marked}  {cost}".rstrip())
    print(f"\n{time.perf_counter() - begun:.0f} s in all")


if __name__ == "__main__":
    main()

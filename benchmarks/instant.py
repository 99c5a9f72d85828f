"""How long a fit in closed form takes, and a prediction, beside the encoder alone; and how much memory.

    python benchmarks/instant.py                     (simulated pictures, 20 and 200 of 256 x 256; some minutes)
    python benchmarks/instant.py --images 20 --size 256 --threads 2

Every figure is printed in seconds of the clock and of processors, and in units of what must be done at least: one pass of
the encoder over each image. Nothing is asserted: the numbers are those of the machine, which is named with them.
"""

from __future__ import annotations

import argparse
import resource
import time
from pathlib import Path

import numpy as np
import torch

from prismseg.base.provenance.machine import describe_machine, this_machine
from prismseg.cli.instant import CONTEXT, CONTEXT_CELLS
from prismseg.data import Preprocess, Sample
from prismseg.inference import Predictor
from prismseg.nets import create_model
from prismseg.train import InstantSettings, fit_instant
from prismseg.train.instant.cases import LIGHT_COPIES

CLASSES = ("background", "square", "disc")


def draw(number: int, size: int) -> Sample:
    """A picture with a bright square and a dark disc, ten of a group at the most."""
    rng = np.random.default_rng(number)
    image = rng.normal(128, 30, (size, size, 3))
    mask = np.zeros((size, size), np.uint8)
    top, left = rng.integers(0, size // 2, 2)
    mask[top : top + size // 5, left : left + size // 4] = 1
    rows, columns = np.mgrid[:size, :size]
    mask[np.hypot(rows - 0.7 * size, columns - 0.7 * size) < size / 8] = 2
    image[mask == 1] += 60
    image[mask == 2] -= 60
    name = f"p{number // 2:03}_{number % 2}"
    return Sample(name, name[:4], image.clip(0, 255).astype(np.uint8), mask, Path(name), Path(name))


def measure(images: int, size: int, weights: str | None) -> None:
    """Fit, predict and print."""
    samples, preprocess = [draw(number, size) for number in range(images)], Preprocess((size, size), 3)
    network = create_model(
        "instant",
        in_channels=3,
        classes=3,
        encoder="efficientnet_lite0",
        weights=weights,
        seed=0,
        options={"context": CONTEXT, "context_scale": size / CONTEXT_CELLS},
    )
    x = preprocess.image_tensor(samples[0].image)[None]
    with torch.inference_mode():
        network.encoder(x)
        start = time.process_time()
        for _ in range(10):
            network.encoder(x)
    once = (time.process_time() - start) / 10
    for settings in (InstantSettings(), InstantSettings(lights=(0,))):
        copies = settings.copies + LIGHT_COPIES * any(settings.lights)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        start, cpu = time.perf_counter(), time.process_time()
        fit = fit_instant(network, samples, CLASSES, preprocess, settings, show_progress=False)
        took, cpu = time.perf_counter() - start, time.process_time() - cpu
        more = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
        assert fit.held_out is not None
        print(
            f"fit, {images} images of {size} x {size}, {copies} copies of each: {took:.1f} s ({cpu:.1f} s of "
            f"processors), {cpu / (images * once):.1f} encoder passes an image; {more:.0f} MiB more than before; "
            f"Dice of groups left out {fit.held_out.table['dice'].mean():.3f}"
        )
    fit.network.metadata = {"preprocess": preprocess.to_dict(), "classes": list(CLASSES)}
    predictor = Predictor(fit.network)
    predictor(samples[0].image)
    start, cpu = time.perf_counter(), time.process_time()
    for sample in samples[:10]:
        predictor(sample.image)
    took, cpu = (time.perf_counter() - start) / 10, (time.process_time() - cpu) / 10
    print(
        f"a prediction: {took * 1000:.0f} ms ({cpu * 1000:.0f} ms of processors), {cpu / once:.1f} encoder passes "
        f"({once * 1000:.0f} ms)"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, nargs="+", default=[20, 200])
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--weights", default="none", help="imagenet or a file; times do not depend on it")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print(describe_machine(this_machine()), f"Threads: {options.threads}.")
    for images in options.images:
        measure(images, options.size, None if options.weights == "none" else options.weights)


if __name__ == "__main__":
    main()

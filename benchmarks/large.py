"""Memory and time of a prediction piece by piece, at several sizes of an image; each size in a process of its own.

    python benchmarks/large.py [--sides 2048,4096,8192] [--width 0.25] [--threads 2]

The network is a U-Net with random weights: time and memory do not depend on them. The image is a tiled, compressed TIFF.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SIDES = "2048,4096,8192"


def make_image(path: Path, side: int) -> None:
    import numpy as np
    import tifffile

    tile = np.random.default_rng(0).integers(0, 255, (512, 512, 3), np.uint8)
    tile[:, :, 1] //= 2

    def tiles():
        for number in range((-(-side // 512)) ** 2):
            yield np.roll(tile, number * 7, axis=0)

    tifffile.imwrite(path, tiles(), shape=(side, side, 3), dtype=np.uint8, tile=(512, 512), compression="zlib",
                     photometric="rgb", metadata=None)  # fmt: skip


def predict(path: Path, out: Path, width: float, threads: int) -> dict[str, float]:
    import torch

    from prismseg.data import Preprocess
    from prismseg.inference import Predictor, predict_files
    from prismseg.nets import create_model

    torch.set_num_threads(threads)
    network = create_model("unet", skip="crffg", in_channels=3, width=width, seed=0)
    network.metadata |= {
        "preprocess": Preprocess((256, 256), 3, fit="native").to_dict(),
        "classes": ["background", "nucleus"],
        "mirror": False,
        "postprocess": "none",
    }
    predictor = Predictor(network)
    start, before = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    report = predict_files(predictor, path, out, large_from=0)
    (found,) = report.large.values()
    return {
        "seconds": time.monotonic() - start,
        "mebibytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "before": before / 1024,
        "pieces": found.pieces,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sides", default=SIDES, help="Pixels a side, with commas.")
    parser.add_argument("--width", type=float, default=0.25, help="Factor on the widths of the U-Net.")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(
            json.dumps(
                predict(Path(options.one), Path(options.one).parent / "out", options.width, options.threads)
            )
        )
        return
    print(f"U-Net with CRFFg skips, width {options.width:g}, {options.threads} threads, 3 channels of 8 bits")
    print(f"{'side':>7} {'pieces':>7} {'seconds':>8} {'us/pixel':>9} {'peak MiB':>9} {'MiB before':>11}")
    for side in map(int, options.sides.split(",")):
        with tempfile.TemporaryDirectory() as folder:
            image = Path(folder) / "slide.tif"
            make_image(image, side)
            words = [sys.executable, __file__, "--one", str(image), "--width", str(options.width)]
            words += ["--threads", str(options.threads)]
            found = json.loads(subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout)
        rate = found["seconds"] / side**2 * 1e6
        print(
            f"{side:7} {found['pieces']:7.0f} {found['seconds']:8.1f} {rate:9.2f} {found['mebibytes']:9.0f} "
            f"{found['before']:11.0f}", flush=True,
        )  # fmt: skip


if __name__ == "__main__":
    main()

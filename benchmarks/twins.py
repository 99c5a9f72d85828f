"""How many copies of a picture `prismseg check` misses, and how many pairs it names wrongly.

    python benchmarks/twins.py --data DATA                      (about 20 minutes on one core)
    python benchmarks/twins.py --data DATA --sets usgra --copies 40
    python benchmarks/twins.py --speed 5000                     (simulated pictures)

DATA is a folder with the public data sets of `SETS`, a folder each.

Of each set, some pictures are copied in every way of the first table, one at a time among all others. Then all pairs that
are found among the originals are listed with their groups: each is a copy in the published set or a false alarm;
``--show FOLDER`` writes them side by side.
"""

from __future__ import annotations

import argparse
import io
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageEnhance

from prismseg.data import open_dataset, read_image
from prismseg.data.twins import Twin, find_twins, thumbnail
from prismseg.data.twins.alignment import even_level
from prismseg.data.twins.candidates import find_candidates
from prismseg.data.twins.search import check_candidate
from prismseg.data.twins.thumbnail import SIDES

Picture = Image.Image
Turn = Image.Transpose

# Folder, what is in it, and how it is opened.
SETS: dict[str, tuple[str, str, dict[str, object]]] = {
    "usgra": ("usgra_seg", "ultrasound frames", {}),
    "nuclei": ("dsb2018_nuclei", "microscopy", {"binary": True}),
    "heart": ("scd_cardiac_lv", "magnetic resonance, slices of one heart in a group", {}),
    "neurons": ("pfc_neurons", "the same dirt in most pictures", {}),
    "retina": ("chase_db1", "both eyes of a child in a group", {}),
    "alloy": ("nasa_superalloy", "electron micrographs", {}),
}


def cut(picture: Picture, left: float = 0, top: float = 0, right: float = 0, bottom: float = 0) -> Picture:
    width, height = picture.size
    box = (width * left, height * top, width * (1 - right), height * (1 - bottom))
    return picture.crop(tuple(round(place) for place in box))  # type: ignore[arg-type]


def scaled(picture: Picture, across: float, down: float | None = None) -> Picture:
    width, height = picture.size
    size = (max(3, round(width * across)), max(3, round(height * (down or across))))
    return picture.resize(size, Image.Resampling.BILINEAR)


def moved(picture: Picture, across: float, down: float, fill: int = 0) -> Picture:
    place = (1, 0, picture.width * across, 0, 1, picture.height * down)
    return picture.transform(picture.size, Image.Transform.AFFINE, place, fillcolor=fill)


def gamma(picture: Picture, power: float) -> Picture:
    return picture.point([round(255 * (value / 255) ** power) for value in range(256)])


def contrast(picture: Picture, factor: float) -> Picture:
    return ImageEnhance.Contrast(picture).enhance(factor)


def brightness(picture: Picture, factor: float) -> Picture:
    return ImageEnhance.Brightness(picture).enhance(factor)


def compressed(picture: Picture, quality: int) -> Picture:
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=quality)
    return Image.open(stream).convert("L")


def noisy(picture: Picture, deviation: float) -> Picture:
    noise = np.random.default_rng(0).normal(0, deviation, (picture.height, picture.width))
    return Image.fromarray((np.asarray(picture) + noise).clip(0, 255).astype(np.uint8))


def mirrored(picture: Picture) -> Picture:
    return picture.transpose(Turn.FLIP_LEFT_RIGHT)


COPIES: dict[str, Callable[[Picture], Picture]] = {
    "JPEG, quality 40": lambda p: compressed(p, 40),
    "JPEG, quality 10": lambda p: compressed(p, 10),
    "half the size": lambda p: scaled(p, 0.5),
    "a third of the size": lambda p: scaled(p, 0.34),
    "1.7 times the size": lambda p: scaled(p, 1.7),
    "other aspect (.9 x .6)": lambda p: scaled(p, 0.9, 0.6),
    "contrast 1.5": lambda p: contrast(p, 1.5),
    "contrast .6": lambda p: contrast(p, 0.6),
    "brightness 1.3": lambda p: brightness(p, 1.3),
    "brightness .6": lambda p: brightness(p, 0.6),
    "gamma .6": lambda p: gamma(p, 0.6),
    "gamma 1.6": lambda p: gamma(p, 1.6),
    "cut 10 % left": lambda p: cut(p, left=0.1),
    "cut 10 % right": lambda p: cut(p, right=0.1),
    "cut 10 % top": lambda p: cut(p, top=0.1),
    "cut 10 % bottom": lambda p: cut(p, bottom=0.1),
    "cut 10 % of a corner": lambda p: cut(p, left=0.1, bottom=0.1),
    "cut 5 % all round": lambda p: cut(p, 0.05, 0.05, 0.05, 0.05),
    "cut 10 % all round": lambda p: cut(p, 0.1, 0.1, 0.1, 0.1),
    "cut 15 % of a corner": lambda p: cut(p, left=0.15, top=0.15),
    "shift 3 %": lambda p: moved(p, 0.03, 0.02),
    "shift 10 %": lambda p: moved(p, 0.1, 0),
    "shift 7 and 10 %": lambda p: moved(p, -0.07, 0.1, 128),
    "mirrored": mirrored,
    "upside down": lambda p: p.transpose(Turn.FLIP_TOP_BOTTOM),
    "turned by 90°": lambda p: p.transpose(Turn.ROTATE_90),
    "turned by 2°": lambda p: p.rotate(2),
    "noise, SD 10 of 255": lambda p: noisy(p, 10),
    "cut corner, half, gamma .6": lambda p: gamma(scaled(cut(p, left=0.1, top=0.1), 0.5), 0.6),
    "cut corner, x .7, gamma 1.6": lambda p: gamma(scaled(cut(p, right=0.1, top=0.1), 0.7), 1.6),
    "mirrored, cut, contrast, JPEG 30": lambda p: compressed(contrast(cut(mirrored(p), 0.05, 0.1, 0.05), 1.5), 30),
    "shift 5 %, gamma 1.6, JPEG 40": lambda p: compressed(gamma(moved(p, 0.05, 0.05), 1.6), 40),
    "negative (not looked for)": lambda p: p.point([255 - value for value in range(256)]),
}


def grey_picture(path: Path) -> Picture:
    pixels = read_image(path).mean(axis=2, dtype=np.float32)
    low, high = float(pixels.min()), float(pixels.max())
    return Image.fromarray(((pixels - low) / max(high - low, 1e-9) * 255).astype(np.uint8))


def portrait_of(picture: Picture) -> NDArray[np.uint8]:
    return thumbnail(np.asarray(picture))


def found_copies(originals: NDArray[np.uint8], copies: NDArray[np.uint8], chosen: list[int]) -> int:
    """Number of copies that are paired with their original, each alone among the originals."""
    stack = np.concatenate([originals, copies])
    even = even_level(stack, SIDES[0])
    wanted = {(number, len(originals) + place) for place, number in enumerate(chosen)}
    near = [
        c
        for c in find_candidates(stack, lambda done: None)
        if (min(c.whole, c.part), max(c.whole, c.part)) in wanted
    ]
    return sum(check_candidate(stack, even, candidate) is not None for candidate in near)


def sensitivity(pictures: dict[str, list[Picture]], count: int) -> None:
    print("| copy | " + " | ".join(pictures) + " |")
    print("|---" * (1 + len(pictures)) + "|")
    originals = {name: np.stack([portrait_of(p) for p in listed]) for name, listed in pictures.items()}
    for kind, change in COPIES.items():
        cells = []
        for name, listed in pictures.items():
            chosen = sorted(set(np.linspace(0, len(listed) - 1, min(count, len(listed))).astype(int).tolist()))
            copies = np.stack([portrait_of(change(listed[number])) for number in chosen])
            cells.append(f"{found_copies(originals[name], copies, chosen)}/{len(chosen)}")
        print(f"| {kind} | " + " | ".join(cells) + " |", flush=True)


def alarms(data: Path, names: list[str], show: Path | None) -> None:
    print("\n| set | pictures | pairs across groups | found across groups | per 10⁶ pairs | found within groups |")
    print("|---|---|---|---|---|---|")
    for name in names:
        folder, _, options = SETS[name]
        dataset = open_dataset(data / folder, **options)  # type: ignore[arg-type]
        thumbnails = np.stack([thumbnail(sample.image) for sample in dataset])
        twins = find_twins(thumbnails)
        groups = np.array(dataset.groups)
        pairs = int((groups[:, None] != groups[None]).sum()) // 2
        across = [twin for twin in twins if groups[twin.first] != groups[twin.second]]
        rate = 1e6 * len(across) / max(pairs, 1)
        print(f"| {name} | {len(dataset)} | {pairs} | {len(across)} | {rate:.0f} | {len(twins) - len(across)} |")
        for twin in across:
            ids = dataset.ids[twin.first], dataset.ids[twin.second]
            print(f"    {ids[0]} and {ids[1]}: {twin.relation}, correlation {twin.correlation:.3f}")
            if show is not None:
                write_pair(show / f"{name}-{ids[0]}-{ids[1]}.png", thumbnails, twin)


def write_pair(path: Path, thumbnails: NDArray[np.uint8], twin: Twin) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.hstack([thumbnails[twin.first], thumbnails[twin.second]])).resize((1024, 512)).save(path)


def speed(count: int) -> None:
    from scipy.ndimage import gaussian_filter

    rng = np.random.default_rng(0)
    made = [gaussian_filter(rng.normal(size=(128, 128)), rng.uniform(1.5, 8)) for _ in range(count)]
    thumbnails = np.stack([thumbnail(values.astype(np.float32)) for values in made])
    start, spent = time.perf_counter(), time.process_time()
    found = find_twins(thumbnails, show_progress=True)
    print(
        f"{count} pictures: {time.perf_counter() - start:.0f} s ({time.process_time() - spent:.0f} s of processor time), "
        f"{len(found)} pairs"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of the data sets")
    parser.add_argument("--sets", nargs="+", default=list(SETS), choices=list(SETS))
    parser.add_argument("--copies", type=int, default=24, help="pictures of each set that are copied")
    parser.add_argument("--show", type=Path, help="folder for the pairs that are found across groups")
    parser.add_argument("--speed", type=int, help="only time this many simulated pictures")
    parser.add_argument("--alarms-only", action="store_true")
    arguments = parser.parse_args()
    if arguments.speed:
        speed(arguments.speed)
        return
    if arguments.data is None:
        parser.error("name the folder of the data sets with --data, or time simulated pictures with --speed")
    if not arguments.alarms_only:
        pictures = {}
        for name in arguments.sets:
            dataset = open_dataset(arguments.data / SETS[name][0], **SETS[name][2])
            pictures[name] = [grey_picture(sample.image_path) for sample in dataset]
        sensitivity(pictures, arguments.copies)
    alarms(arguments.data, arguments.sets, arguments.show)


if __name__ == "__main__":
    main()

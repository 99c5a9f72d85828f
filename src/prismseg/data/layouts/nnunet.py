"""nnU-Net v2: imagesTr, labelsTr, dataset.json and perhaps splits_final.json."""

from __future__ import annotations

from pathlib import Path

from prismseg.base import DataError, read_json
from prismseg.data.images import IMAGE_SUFFIXES
from prismseg.data.layouts.listing import Case, Listing, image_files


def fits(root: Path) -> bool:
    """Whether `root` is an nnU-Net raw data set."""
    return (root / "imagesTr").is_dir() and (root / "dataset.json").is_file()


def read(root: Path, mask_suffix: str | None = None) -> Listing:
    """List the training cases; channels ``CASE_0000``, ``CASE_0001`` … are stacked.

    Raises
    ------
    DataError
        When a folder is missing, the files are volumes, or a channel of a case is missing.
    """
    description = read_json(root / "dataset.json")
    ending = description.get("file_ending", ".png")
    if ending not in IMAGE_SUFFIXES:
        raise DataError(
            f"{root} holds {ending} files; two-dimensional images are read ({', '.join(sorted(IMAGE_SUFFIXES))}). "
            "Save the slices you mean as PNG or TIFF."
        )
    if not (root / "labelsTr").is_dir():
        raise DataError(f"There is no folder {root / 'labelsTr'} with the masks.")
    channels = len(description.get("channel_names", {"0": ""}))
    files: dict[str, dict[int, Path]] = {}
    for path in image_files(root / "imagesTr"):
        name, _, channel = path.stem.rpartition("_")
        if not name or not channel.isdecimal():
            raise DataError(f"{path} is not named CASE_0000{ending}, as nnU-Net images are.")
        files.setdefault(name, {})[int(channel)] = path
    masks = {path.stem: path for path in image_files(root / "labelsTr")}
    cases = []
    for name, found in sorted(files.items()):
        if sorted(found) != list(range(channels)):
            raise DataError(
                f"The case {name} in {root / 'imagesTr'} has channels {sorted(found)}, not 0–{channels - 1}."
            )
        cases.append(Case(name, tuple(found[channel] for channel in range(channels)), masks.get(name)))
    classes, coding = _labels(root, description)
    return Listing(
        "nnunet",
        tuple(cases),
        classes=classes,
        coding=coding,
        orphans=tuple(path for name, path in masks.items() if name not in files),
        splits=_splits(root),
    )


def _labels(root: Path, description: dict[str, object]) -> tuple[tuple[str, ...], dict[int, int]]:
    labels = description.get("labels")
    if not isinstance(labels, dict) or not all(isinstance(value, int) for value in labels.values()):
        raise DataError(
            f"{root / 'dataset.json'} must map class names to numbers under 'labels' (regions are not read)."
        )
    ignored = labels.get("ignore")
    kept = {name: value for name, value in labels.items() if name != "ignore"}
    if sorted(kept.values()) != list(range(len(kept))):
        raise DataError(
            f"The labels in {root / 'dataset.json'} must be 0, 1, 2 …; they are {sorted(kept.values())}."
        )
    names = tuple(sorted(kept, key=lambda name: kept[name]))
    coding = {value: value for value in kept.values()}
    if ignored is not None:
        coding[ignored] = 255
    return names, coding


def _splits(root: Path) -> tuple[dict[str, list[str]], ...]:
    path = root / "splits_final.json"
    if not path.is_file():
        return ()
    return tuple({"train": fold["train"], "validation": [], "test": fold["val"]} for fold in read_json(path))

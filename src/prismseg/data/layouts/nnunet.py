"""nnU-Net v2: imagesTr, labelsTr, dataset.json and perhaps splits_final.json."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from prismseg.base import ConfigError, ConfigNotFoundError, DataError, DataNotFoundError, read_json
from prismseg.data.images.reading import IMAGE_SUFFIXES
from prismseg.data.images.volumes import stem_of
from prismseg.data.layouts.listing import Case, Layout, Listing, image_files


def fits(root: Path) -> bool:
    """Whether `root` is an nnU-Net raw data set."""
    return (root / "imagesTr").is_dir() and (root / "dataset.json").is_file()


def read(root: Path, mask_suffix: str | None = None) -> Listing:
    """List the training cases; channels ``CASE_0000``, ``CASE_0001`` … are stacked.

    A key ``groups`` of ``dataset.json`` that names the group of every case, as `prismseg convert` writes it, counts.

    Raises
    ------
    DataError
        When a folder is missing, their files are of another kind, or a channel of a case is missing.
    """
    description = _description(root)
    ending = description.get("file_ending", ".png")
    if not isinstance(ending, str) or ending not in IMAGE_SUFFIXES:
        raise DataError(
            f"{root} holds {ending} files; read are {', '.join(sorted(IMAGE_SUFFIXES))}. Save the images as one of these."
        )
    if not (root / "labelsTr").is_dir():
        raise DataNotFoundError(f"There is no folder {root / 'labelsTr'} with the masks.")
    names = description.get("channel_names") or {"0": ""}
    if not isinstance(names, dict):
        raise DataError(
            f"{root / 'dataset.json'} must map numbers to the names of channels under 'channel_names'."
        )
    channels = len(names)
    files: dict[str, dict[int, Path]] = {}
    for path in image_files(root / "imagesTr"):
        name, _, channel = stem_of(path).rpartition("_")
        if not name or not channel.isdecimal():
            raise DataError(f"{path} is not named CASE_0000{ending}, as nnU-Net images are.")
        files.setdefault(name, {})[int(channel)] = path
    masks = {stem_of(path): path for path in image_files(root / "labelsTr")}
    if all(set(channel_files) == {0} for channel_files in files.values()):
        # nnU-Net's NaturalImage2DIO keeps the channels of a colour image in one file.
        channels = 1
    incomplete = [
        name for name, channel_files in sorted(files.items()) if sorted(channel_files) != list(range(channels))
    ]
    if incomplete:
        raise DataError(
            f"{len(incomplete)} cases in {root / 'imagesTr'} do not have the channels 0–{channels - 1} that "
            f"dataset.json names, among them {', '.join(incomplete[:5])}. Add the missing files (CASE_0000{ending}, "
            f"CASE_0001{ending} …)."
        )
    groups = description.get("groups")
    groups = groups if isinstance(groups, dict) and set(groups) >= set(files) else {}
    cases = [
        Case(
            name,
            tuple(channel_files[channel] for channel in range(channels)),
            masks.get(name),
            str(groups[name]) if groups else None,
        )
        for name, channel_files in sorted(files.items())
    ]
    regions, ignored = _regions(root, description)
    classes, coding = (None, None) if regions else _labels(root, description)
    return Listing(
        "nnunet",
        tuple(cases),
        classes=classes,
        coding=coding,
        orphans=tuple(path for name, path in masks.items() if name not in files),
        folders=(root / "imagesTr", root / "labelsTr"),
        splits=_splits(root),
        regions=regions,
        ignored=ignored,
    )


def _description(root: Path) -> dict[str, Any]:
    path = root / "dataset.json"
    try:
        description = read_json(path)
    except ConfigNotFoundError as error:
        raise DataNotFoundError(str(error)) from error
    except ConfigError as error:
        raise DataError(str(error)) from error
    if not isinstance(description, dict):
        raise DataError(f"{path} is not a description of an nnU-Net data set; restore it.")
    return description


def _regions(root: Path, description: dict[str, Any]) -> tuple[dict[str, tuple[int, ...]] | None, int | None]:
    """Labels of each class but the background, and the ignored one; None where classes are single labels."""
    labels = description.get("labels")
    if not isinstance(labels, dict) or not any(isinstance(value, list) for value in labels.values()):
        return None, None
    values = {name: value if isinstance(value, list) else [value] for name, value in labels.items()}
    if not all(value and all(isinstance(label, int) for label in value) for value in values.values()):
        raise DataError(
            f"{root / 'dataset.json'} must map the names of regions to lists of whole numbers under 'labels'."
        )
    ignored = values.pop("ignore", [None])[0]
    return {name: tuple(value) for name, value in values.items() if value != [0]}, ignored


def _labels(root: Path, description: dict[str, Any]) -> tuple[tuple[str, ...], dict[int, int]]:
    labels = description.get("labels")
    if not isinstance(labels, dict) or not all(isinstance(value, int) for value in labels.values()):
        raise DataError(f"{root / 'dataset.json'} must map class names to numbers under 'labels'.")
    ignored = labels.get("ignore")
    numbered = {name: value for name, value in labels.items() if name != "ignore"}
    if sorted(numbered.values()) != list(range(len(numbered))):
        raise DataError(
            f"The labels in {root / 'dataset.json'} must be 0, 1, 2 …; they are {sorted(numbered.values())}."
        )
    names = tuple(sorted(numbered, key=lambda name: numbered[name]))
    coding = {value: value for value in numbered.values()}
    if ignored is not None:
        coding[ignored] = 255
    return names, coding


def _splits(root: Path) -> tuple[dict[str, list[str]], ...]:
    path = root / "splits_final.json"
    if not path.is_file():
        return ()
    try:
        folds = read_json(path)
        if not all(isinstance(name, str) for fold in folds for part in ("train", "val") for name in fold[part]):
            raise TypeError("a case that has no name")
        return tuple({"train": list(fold["train"]), "validation": [], "test": list(fold["val"])} for fold in folds)
    except (ConfigError, KeyError, TypeError) as error:
        raise DataError(
            f"{path} is not a list of folds with 'train' and 'val', as nnU-Net writes it; restore or remove it."
        ) from error


NNUNET = Layout(fits, read, states_masks=True)

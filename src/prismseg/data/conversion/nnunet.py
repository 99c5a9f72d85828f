"""nnU-Net v2's raw data: `imagesTr`, `labelsTr`, `dataset.json` and folds by group in `splits_final.json`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from prismseg.base import DataError, write_json
from prismseg.data.conversion.targets import Converted, Target, checked_mask, storable_as_png, write_image
from prismseg.data.sample import IGNORE
from prismseg.data.splits.drawing import kfold

_FOLDS = 5  # nnU-Net's own number


def write(cases: Converted, out: Path) -> tuple[str, ...]:
    """Write the cases. Pixels that count nowhere get the highest label, which nnU-Net calls ignore.

    Groups are a key of `dataset.json`, which nnU-Net passes over.

    A split that the data bring along is a fold whose test part (where there is none: validation) is held out; without
    one, five folds by group are drawn where cases share groups, since nnU-Net itself draws over cases.
    """
    classes = cases.dataset.classes
    first = cases.dataset[cases.indices[0]].image
    kind = (first.shape[2], first.dtype)
    png = storable_as_png(first)
    ending = ".png" if png else ".tif"
    ignored = False
    for name, sample in cases.samples():
        if (sample.image.shape[2], sample.image.dtype) != kind:
            raise DataError(
                f"{sample.image_path} has {sample.image.shape[2]} channels of {sample.image.dtype}, other images have "
                f"{kind[0]} of {kind[1]}; nnU-Net needs the same of all."
            )
        for number, plane in enumerate([sample.image] if png else _planes(sample.image)):
            write_image(out / "imagesTr" / f"{name}_{number:04d}{ending}", plane)
        mask = checked_mask(sample).copy()
        ignored |= bool((mask == IGNORE).any())
        mask[mask == IGNORE] = len(classes)
        write_image(out / "labelsTr" / f"{name}{ending}", mask[..., None])
    channels = ("R", "G", "B") if kind[0] == 3 else [f"channel {number}" for number in range(kind[0])]
    labels = {"background" if index == 0 else name: index for index, name in enumerate(classes)}
    groups = cases.groups()
    stated = {"groups": dict(zip(cases.names, groups, strict=True))} if groups != list(cases.names) else {}
    write_json(
        out / "dataset.json",
        {
            "channel_names": {str(number): name for number, name in enumerate(channels)},
            "labels": labels | ({"ignore": len(classes)} if ignored else {}),
            "numTraining": len(cases.names),
            "file_ending": ending,
            **stated,
        },
    )
    folds, note = _folds(cases)
    if folds:
        write_json(out / "splits_final.json", folds)
    return note


def _planes(image: NDArray[np.generic]) -> list[NDArray[np.generic]]:
    return [image[..., channel : channel + 1] for channel in range(image.shape[2])]


def _folds(cases: Converted) -> tuple[list[dict[str, Sequence[str]]], tuple[str, ...]]:
    splits, groups = cases.splits(), cases.groups()
    if splits:
        folds: list[dict[str, Sequence[str]]] = []
        for split in splits:
            train, validation, test = (split.get(part, []) for part in ("train", "validation", "test"))
            folds.append(
                {"train": train + validation, "val": test} if test else {"train": train, "val": validation}
            )
        note = "Folds of nnU-Net have two parts: what a split tests on is held out, its validation part is trained on."
        return folds, (note,) if any(split.get("validation") and split.get("test") for split in splits) else ()
    count = min(_FOLDS, len(set(groups)))
    if count == len(groups) or len(set(groups)) == len(groups) or count < 2:
        return [], ()
    names = cases.names
    drawn = kfold(groups, count, seed=0, validation=0)
    return [
        {"train": [names[index] for index in split.train], "val": [names[index] for index in split.test]}
        for split in drawn
    ], (
        f"splits_final.json holds {count} folds by group; copy it to nnUNet_preprocessed, or nnU-Net parts groups.",
    )


NNUNET = Target(write)

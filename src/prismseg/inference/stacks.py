"""Prediction of volumes, slice by slice, written as the volume was stored."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from prismseg.base import atomic_path
from prismseg.data import read_image
from prismseg.data.images.volumes import NIFTI_SUFFIXES, Slice, count_slices, suffix_of, write_masks
from prismseg.inference.predictor import Predictor, require_one_label
from prismseg.inference.uncertainty import find_uncertainty, write_uncertainty

Draw = Callable[[str, NDArray[np.generic], NDArray[np.uint8]], Path]


def is_stack(path: Path) -> bool:
    """Whether a file is a NIfTI image, whose mask is one too, or holds several frames (DICOM).

    Raises
    ------
    DataError
        When it cannot be read.
    """
    return suffix_of(path) in NIFTI_SUFFIXES or (suffix_of(path) in (".dcm", ".dicom") and count_slices(path) > 1)


def predict_stack(
    predictor: Predictor,
    path: Path,
    out: Path,
    name: str,
    asked: Sequence[str],
    *,
    write_mask: Draw,
    write_overlay: Draw,
) -> Path:
    """Segment every slice of the volume at `path`.

    ``masks/NAME.nii.gz`` lies in space as a NIfTI volume does; of DICOM frames there is a picture each,
    ``masks/NAME_z012.png``. The overlay is that of the slice with most foreground, ``overlays/NAME_z012.png``;
    probabilities are (K, Z, H, W).

    Returns
    -------
    Path
        The mask, or that of the first frame.
    """
    require_one_label(predictor, "segmentation of volumes")
    slices = [Slice(path, index) for index in range(count_slices(path))]
    shape = read_image(slices[0]).shape[:2]
    masks = np.empty((len(slices), *shape), np.uint8)
    if "probabilities" in asked:
        with atomic_path(out / "probabilities" / f"{name}.npy") as temporary:
            whole = (len(predictor.classes), *masks.shape)
            stored = np.lib.format.open_memmap(temporary, mode="w+", dtype=np.float16, shape=whole)
            for index, source in enumerate(slices):
                masks[index] = predictor.segment(read_image(source), probabilities=stored[:, index])
            stored.flush()
            del stored
    else:
        for index, source in enumerate(slices):
            masks[index] = predictor.segment(read_image(source))
    if "uncertainty" in asked:
        for source in slices:
            image = read_image(source)
            write_uncertainty(
                out / "uncertainty", f"{name}_{source.part}", image, find_uncertainty(predictor, image)
            )
    fullest = int((masks > 0).sum(axis=(1, 2)).argmax())
    write_overlay(f"{name}_{slices[fullest].part}", read_image(slices[fullest]), masks[fullest])
    if suffix_of(path) in NIFTI_SUFFIXES:
        return write_masks(out / "masks" / f"{name}.nii.gz", masks, path)
    written = [
        write_mask(f"{name}_{source.part}", read_image(source), mask)
        for source, mask in zip(slices, masks, strict=True)
    ]
    return written[0]

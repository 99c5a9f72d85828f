"""Masks, probabilities and overlays for one picture or a folder of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from skimage.segmentation import find_boundaries

from prismseg.base import DataError, OutputError, atomic_path, make_folder, progress_bar
from prismseg.data import IMAGE_SUFFIXES, read_image
from prismseg.train.predictor import Prediction, Predictor
from prismseg.train.render import class_colour, displayable


def predict_files(
    predictor: Predictor, source: Path, out: Path, *, probabilities: bool = True, show_progress: bool = True
) -> list[Path]:
    """Segment `source` (an image or a folder of images) and write the results below `out`.

    ``masks/NAME.png`` holds class indices at the picture's own size (palette coloured, so that it can be looked
    at), ``overlays/NAME.png`` the picture with contours, ``probabilities/NAME.npy`` float16 (K, H, W).

    Returns
    -------
    list of Path
        The masks, in the order of the sorted file names.

    Raises
    ------
    DataError
        When there is no image, two images share a name, or one cannot be read; the message names it.
    OutputError
        When the results would land among the pictures, or cannot be written.
    """
    paths = find_images(source)
    if out.resolve() == (source if source.is_dir() else source.parent).resolve():
        raise OutputError(f"The results would be written among the pictures in {out}; choose another --out.")
    folders = ["masks", "overlays", *(["probabilities"] if probabilities else [])]
    for name in folders:
        make_folder(out / name)
    written = []
    with progress_bar("predicting", len(paths), visible=show_progress) as advance:
        for done, path in enumerate(paths, start=1):
            image = read_image(path)
            prediction = predictor(image)
            target = out / "masks" / f"{path.stem}.png"
            _write_mask(target, prediction, len(predictor.classes))
            _write_overlay(out / "overlays" / f"{path.stem}.png", image, prediction)
            if probabilities:
                with atomic_path(out / "probabilities" / f"{path.stem}.npy") as temporary:
                    np.save(temporary, prediction.probabilities.astype(np.float16), allow_pickle=False)
            written.append(target)
            advance(done, path.name)
    return written


def find_images(source: Path) -> list[Path]:
    """Image files that `source` names: itself, or those directly in the folder, sorted by name."""
    if not source.exists():
        raise DataError(f"There is no file or folder {source}.")
    if source.is_file():
        return [source]
    paths = sorted(path for path in source.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES)
    if not paths:
        raise DataError(f"There is no image directly in {source}; looked for {', '.join(sorted(IMAGE_SUFFIXES))}.")
    stems: dict[str, Path] = {}
    for path in paths:
        if path.stem in stems:
            raise DataError(
                f"{stems[path.stem]} and {path} would both give {path.stem}.png; rename one or predict them apart."
            )
        stems[path.stem] = path
    return paths


def overlay(image: NDArray[np.generic], mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Picture (H, W, 3) with the contour of every class of `mask` drawn in the class's colour."""
    picture = displayable(image)
    for cls in np.unique(mask[mask > 0]):
        picture[find_boundaries(mask == cls, mode="inner")] = class_colour(int(cls))
    return picture


def _write_mask(path: Path, prediction: Prediction, classes: int) -> None:
    picture = Image.fromarray(prediction.mask, mode="P")
    picture.putpalette(palette(classes))
    with atomic_path(path) as temporary:
        picture.save(temporary)


def _write_overlay(path: Path, image: NDArray[np.generic], prediction: Prediction) -> None:
    with atomic_path(path) as temporary:
        Image.fromarray(overlay(image, prediction.mask)).save(temporary)


def palette(classes: int) -> Sequence[int]:
    """Flat RGB palette: black background, then one colour-blind-safe colour a class."""
    return [0, 0, 0, *(value for cls in range(1, classes) for value in class_colour(cls))]

"""Masks, overlays and probabilities for images: one, a folder of them, or a list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from skimage.segmentation import find_boundaries

from prismseg.base import DataError, OutputError, atomic_path, make_folder, progress_bar
from prismseg.data import read_image
from prismseg.inference.bayesian.kinds import BayesianPredictor
from prismseg.inference.bayesian.registries import UNCERTAINTIES
from prismseg.inference.images import InputImages, find_images
from prismseg.inference.margins import Margins, write_bands
from prismseg.inference.predictor import Predictor
from prismseg.inference.render import class_colour, displayable
from prismseg.inference.stacks import is_stack, predict_stack
from prismseg.inference.uncertainty import draw_entropy, find_uncertainty, write_uncertainty

OVERLAY_PIXELS = 2**24  # overlays of larger images are thinned out, since they are there to be looked at


@dataclass
class PredictionReport:
    """What came of each image.

    Attributes
    ----------
    masks : list of Path
        The masks that were written, in the order of the images.
    failed : dict
        Image -> why it has no mask.
    unread : tuple of Path
        Files in the folders that are no images by their suffix.
    """

    masks: list[Path] = field(default_factory=list)
    failed: dict[Path, str] = field(default_factory=dict)
    unread: tuple[Path, ...] = ()


def predict_files(
    predictor: Predictor,
    sources: str | Path | Sequence[str | Path],
    out: str | Path,
    *,
    probabilities: bool = False,
    uncertainty: bool = False,
    bayesian: BayesianPredictor | None = None,
    margins: Margins | None = None,
    show_progress: bool = True,
) -> PredictionReport:
    """Segment the images that `sources` name and write the results below `out`.

    ``masks/NAME.png`` holds class indices at the image's own size (palette coloured, so that it can be looked
    at), ``overlays/NAME.png`` the image with contours, ``probabilities/NAME.npy`` float16 (K, H, W). NAME is that of
    the image; where two images share one, their folders (and then suffixes) are added: ``a_1``, ``b_1``.

    A NIfTI volume is segmented slice by slice, and its mask is one too, in the same place in space
    (``masks/NAME.nii.gz``, see `prismseg.inference.stacks`).

    An image that cannot be read or used is reported, and the others are segmented.

    Parameters
    ----------
    predictor : Predictor
        The network.
    sources : path or sequence of path
        Images, folders and lists, see `prismseg.inference.images.find_images`.
    out : path
        Folder for the results.
    probabilities : bool
        Also write the probabilities: 2 K bytes a pixel.
    uncertainty : bool
        Also write how sure the network is of each pixel, and of an instant segmenter why
        (`prismseg.inference.Uncertainty`): ``uncertainty/NAME.npz`` and, to look at, ``uncertainty/NAME.png``.
    bayesian : BayesianPredictor, optional
        Also write what its draws say of each pixel: ``uncertainty/NAME_KIND.npz`` (`BayesianMaps.save`) and, to look at,
        the mutual information over the image, ``uncertainty/NAME_KIND.png``. Not of volumes.
    margins : Margins, optional
        Also draw the contours that hold the truth of a new group, ``margins/NAME.png``, and write the regions for each
        class label: ``margins/NAME_1.png``, 255 inside both contours, 128 between them, 0 outside. Not of volumes.
    show_progress : bool
        Show a progress bar.

    Returns
    -------
    PredictionReport

    Raises
    ------
    DataError
        When there is no image at all.
    OutputError
        When the results would land among the images, or cannot be written.
    ConfigError
        When the margins were calibrated for another network.

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> folder = Path(mkdtemp())
    >>> for name in ("a", "b"):
    ...     np.save(folder / f"{name}.npy", np.full((64, 64), 80, np.uint8))
    >>> predictor = Predictor.from_pretrained("thermal-feet")
    >>> report = predict_files(predictor, folder, folder / "predicted", show_progress=False)
    >>> [path.relative_to(folder).as_posix() for path in report.masks]
    ['predicted/masks/a.png', 'predicted/masks/b.png']
    """
    given = [sources] if isinstance(sources, str | Path) else list(sources)
    out = Path(out)
    if margins is not None:
        margins.require_network(predictor)
    images = find_images(given)
    _require_apart(out, given, images)
    report = PredictionReport(unread=images.unread)
    for path in images.broken:
        report.failed[path] = f"{path} is a link to {path.readlink()}, which does not exist; restore that file."
    wanted = {
        "probabilities": probabilities,
        "uncertainty": uncertainty,
        "bayesian": bayesian is not None,
        "margins": margins is not None,
    }
    asked = [name for name in wanted if wanted[name]]
    for name in ("masks", "overlays", *asked):
        make_folder(out / ("uncertainty" if name == "bayesian" else name))
    with progress_bar("predicting", len(images.names), visible=show_progress) as advance:
        for done, (path, name) in enumerate(images.names.items(), start=1):
            try:
                report.masks.append(_predict_one(predictor, path, out, name, asked, margins, bayesian))
            except DataError as error:
                report.failed[path] = str(error) if str(path) in str(error) else f"{path}: {error}"
            except MemoryError:
                report.failed[path] = f"{path} needs more memory than there is; scale it down."
            if path in report.failed:
                _remove_earlier(out, name)
            advance(done, path.name)
    return report


def _require_apart(out: Path, sources: Sequence[str | Path], images: InputImages) -> None:
    folders = [Path(source) for source in sources if Path(source).is_dir()]
    folders += [path.parent for path in images.names]
    targets = {(out / name).resolve() for name in (".", "masks", "overlays")}
    if any(folder.resolve() in targets for folder in dict.fromkeys(folders)):
        raise OutputError(f"The results would be written among the images in {out}; choose another --out.")


_RESULTS = (
    ("masks", "png"), ("masks", "nii.gz"), ("overlays", "png"), ("probabilities", "npy"), ("uncertainty", "npz"),
    ("uncertainty", "png"), ("margins", "png"),
)  # fmt: skip


def _remove_earlier(out: Path, name: str) -> None:
    """Remove what an earlier prediction left under the name of an image that has no result now."""
    for kind, suffix in _RESULTS:
        (out / kind / f"{name}.{suffix}").unlink(missing_ok=True)
    for kind in UNCERTAINTIES.names():
        for suffix in ("npz", "png"):
            (out / "uncertainty" / f"{name}_{kind}.{suffix}").unlink(missing_ok=True)
    for label in range(1, 256):
        (out / "margins" / f"{name}_{label}.png").unlink(missing_ok=True)


def _predict_one(
    predictor: Predictor,
    path: Path,
    out: Path,
    name: str,
    asked: Sequence[str],
    margins: Margins | None,
    bayesian: BayesianPredictor | None,
) -> Path:
    if is_stack(path):
        if margins is not None or bayesian is not None:
            raise DataError(f"{path} is a volume, of which no margins and no draws are shown; predict it without.")
        return predict_stack(
            predictor,
            path,
            out,
            name,
            asked,
            write_mask=lambda part, _, mask: _write_mask(
                out / "masks" / f"{part}.png", mask, len(predictor.classes)
            ),
            write_overlay=lambda part, image, mask: _write_overlay(out / "overlays" / f"{part}.png", image, mask),
        )
    image = read_image(path)
    if "probabilities" in asked:
        with atomic_path(out / "probabilities" / f"{name}.npy") as temporary:
            shape = (len(predictor.classes), *image.shape[:2])
            stored = np.lib.format.open_memmap(temporary, mode="w+", dtype=np.float16, shape=shape)
            mask = predictor.segment(image, probabilities=stored)
            stored.flush()
            del stored
    else:
        mask = predictor.segment(image)
    if "uncertainty" in asked:
        write_uncertainty(out / "uncertainty", name, image, find_uncertainty(predictor, image))
    if bayesian is not None:
        _write_draws(out / "uncertainty" / f"{name}_{bayesian.uncertainty}", image, bayesian)
    if margins is not None:
        write_bands(out / "margins", name, image, mask, margins, predictor.classes)
    _write_overlay(out / "overlays" / f"{name}.png", image, mask)
    return _write_mask(out / "masks" / f"{name}.png", mask, len(predictor.classes))


def _write_draws(stem: Path, image: NDArray[np.generic], bayesian: BayesianPredictor) -> None:
    maps = bayesian(image)
    maps.save(stem.with_name(f"{stem.name}.npz"))
    with atomic_path(stem.with_name(f"{stem.name}.png")) as temporary:
        Image.fromarray(draw_entropy(image, maps.mutual_information)).save(temporary)


def overlay(image: NDArray[np.generic], mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Image (H, W, 3) with the contour of every class of `mask` drawn in the class's colour."""
    drawn = displayable(image)
    for cls in np.unique(mask[mask > 0]):
        drawn[find_boundaries(mask == cls, mode="inner")] = class_colour(int(cls))
    return drawn


def _write_mask(path: Path, mask: NDArray[np.uint8], classes: int) -> Path:
    indexed = Image.fromarray(mask, mode="P")
    indexed.putpalette(palette(classes))
    with atomic_path(path) as temporary:
        indexed.save(temporary)
    return path


def _write_overlay(path: Path, image: NDArray[np.generic], mask: NDArray[np.uint8]) -> Path:
    step = int(np.ceil(np.sqrt(mask.size / OVERLAY_PIXELS)))
    with atomic_path(path) as temporary:
        Image.fromarray(overlay(image[::step, ::step], mask[::step, ::step])).save(temporary)
    return path


def palette(classes: int) -> Sequence[int]:
    """Flat RGB palette: black background, then one colour-blind-safe colour a class."""
    return [0, 0, 0, *(value for cls in range(1, classes) for value in class_colour(cls))]

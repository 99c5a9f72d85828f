"""Masks, overlays and probabilities for images: one, a folder of them, or a list."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from skimage.segmentation import find_boundaries

from prismseg.base import DataError, OutputError, atomic_path, make_folder, progress_bar
from prismseg.base.progress import Advance
from prismseg.data import read_image
from prismseg.data.images.windows import ImageWindows, open_windows
from prismseg.data.masks.overlapping import labels_in, region_of
from prismseg.inference.bayesian.kinds import BayesianPredictor
from prismseg.inference.bayesian.registries import UNCERTAINTIES
from prismseg.inference.images import InputImages, find_images
from prismseg.inference.large.predict import LargePrediction, grid_of, predict_large, require_pieces
from prismseg.inference.margins import Margins, write_bands
from prismseg.inference.predictor import Predictor, require_one_label
from prismseg.inference.render import class_colour, displayable
from prismseg.inference.stacks import is_stack, predict_stack
from prismseg.inference.uncertainty import draw_entropy, find_uncertainty, write_uncertainty
from prismseg.nets.instant.tiles import MARGIN

OVERLAY_PIXELS = 2**24  # overlays of larger images are thinned out, since they are there to be looked at

LARGE_OVERLAY_PIXELS = 2**22  # of images that are predicted piece by piece, which must not fill the memory
LARGE_MEGAPIXELS = 16.0  # from which an image at its own pixels is predicted piece by piece


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
    large : dict
        Image that was predicted piece by piece -> its pieces, and how well they fit together.
    """

    masks: list[Path] = field(default_factory=list)
    failed: dict[Path, str] = field(default_factory=dict)
    unread: tuple[Path, ...] = ()
    large: dict[Path, LargePrediction] = field(default_factory=dict)


def predict_files(
    predictor: Predictor,
    sources: str | Path | Sequence[str | Path],
    out: str | Path,
    *,
    probabilities: bool = False,
    uncertainty: bool = False,
    bayesian: BayesianPredictor | None = None,
    margins: Margins | None = None,
    large_from: float = LARGE_MEGAPIXELS,
    overlap: int = MARGIN,
    show_progress: bool = True,
) -> PredictionReport:
    """Segment the images that `sources` name and write the results below `out`.

    Of classes that overlap there is a mask for each, ``masks/CLASS/NAME.png``, 1 where it is.

    ``masks/NAME.png`` holds class indices at the image's own size (palette coloured, so that it can be looked
    at), ``overlays/NAME.png`` the image with contours, ``probabilities/NAME.npy`` float16 (K, H, W). NAME is that of
    the image; where two images share one, their folders (and then suffixes) are added: ``a_1``, ``b_1``.

    A NIfTI volume is segmented slice by slice, and its mask is one too, in the same place in space
    (``masks/NAME.nii.gz``, see `prismseg.inference.stacks`).

    A network that takes images at their own pixels (fit "native", or `Predictor` with ``shrink``) segments large TIFF and
    NPY files piece by piece, from the disk to the disk, with memory that does not grow with the image
    (`prismseg.inference.large`): the mask is ``masks/NAME.tif``, in tiles. When it is stopped, the same call goes on from
    the last piece.

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
    large_from : float
        Megapixels from which images are segmented piece by piece; pyramids always are.
    overlap : int
        Pixels, on the network's grid, that it sees around each piece of these.
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
    ModelError
        When an image is to be segmented piece by piece and the network, or what is asked for, does not allow it.

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
    for name in asked:
        if name != "probabilities":
            require_one_label(predictor, "uncertainty" if name == "bayesian" else name)
    if getattr(predictor, "multilabel", False) and any(_is_volume(path) for path in images.names):
        require_one_label(predictor, "segmentation of volumes")
    windows, unwindowed = _open_large(predictor, images.names, large_from)
    if windows:
        require_pieces(predictor, ["uncertainty" if name == "bayesian" else name for name in asked])
    steps = {path: len(grid_of(predictor, each, overlap).pieces) for path, each in windows.items()}
    for name in ("masks", "overlays", *asked):
        make_folder(out / ("uncertainty" if name == "bayesian" else name))
    total = sum(steps.get(path, 1) for path in images.names)
    with progress_bar("predicting", total, visible=show_progress) as advance:
        done = 0
        for path, name in images.names.items():
            try:
                if path in windows:
                    found = _predict_large(
                        predictor,
                        windows[path],
                        out,
                        name,
                        asked,
                        overlap,
                        partial(_advance, advance, done, path.name),
                    )
                    report.large[path] = found
                    report.masks.append(found.mask)
                else:
                    report.masks.append(_predict_one(predictor, path, out, name, asked, margins, bayesian))
            except DataError as error:
                report.failed[path] = str(error) if str(path) in str(error) else f"{path}: {error}"
                if path in unwindowed:
                    report.failed[path] += f" {unwindowed[path]}"
            except MemoryError:
                report.failed[path] = f"{path} needs more memory than there is; scale it down."
            if path in report.failed:
                _remove_earlier(out, name)
            else:
                _remove_other_mask(report.masks[-1])
            done += steps.get(path, 1)
            advance(done, path.name)
    return report


def _is_volume(path: Path) -> bool:
    """Whether a file holds several slices; one that cannot be read is told of in its turn."""
    try:
        return is_stack(path)
    except DataError:
        return False


def _advance(advance: Advance, before: int, note: str, pieces: int) -> None:
    advance(before + pieces, note)


def _open_large(
    predictor: Predictor, paths: Iterable[Path], large_from: float
) -> tuple[dict[Path, ImageWindows], dict[Path, str]]:
    """Find the images that are segmented piece by piece, and why others cannot be."""
    large: dict[Path, ImageWindows] = {}
    why: dict[Path, str] = {}
    if predictor.preprocess.fit != "native":
        return large, why
    for path in paths:
        try:
            windows = open_windows(path)
        except DataError as error:
            why[path] = str(error)  # told where it cannot be read whole either
            continue
        if windows is not None and (windows.pixels >= large_from * 10**6 or not windows.alone):
            large[path] = windows
    return large, why


def _predict_large(
    predictor: Predictor,
    windows: ImageWindows,
    out: Path,
    name: str,
    asked: Sequence[str],
    overlap: int,
    advance: Callable[[int], None],
) -> LargePrediction:
    return predict_large(
        predictor,
        windows,
        out / "masks" / f"{name}.tif",
        colours=list(palette(len(predictor.classes))),
        draw=lambda image, mask: _write_overlay(out / "overlays" / f"{name}.png", image, mask),
        overlay_pixels=LARGE_OVERLAY_PIXELS,
        overlap=overlap,
        probabilities=out / "probabilities" / f"{name}.npy" if "probabilities" in asked else None,
        advance=advance,
    )


def _require_apart(out: Path, sources: Sequence[str | Path], images: InputImages) -> None:
    folders = [Path(source) for source in sources if Path(source).is_dir()]
    folders += [path.parent for path in images.names]
    targets = {(out / name).resolve() for name in (".", "masks", "overlays")}
    if any(folder.resolve() in targets for folder in dict.fromkeys(folders)):
        raise OutputError(f"The results would be written among the images in {out}; choose another --out.")


_RESULTS = (
    ("masks", "png"), ("masks", "tif"), ("masks", "nii.gz"), ("overlays", "png"), ("probabilities", "npy"),
    ("uncertainty", "npz"), ("uncertainty", "png"), ("margins", "png"),
)  # fmt: skip


def _remove_earlier(out: Path, name: str) -> None:
    """Remove what an earlier prediction left under the name of an image that has no result now."""
    for kind, suffix in _RESULTS:
        (out / kind / f"{name}.{suffix}").unlink(missing_ok=True)
    for kind in UNCERTAINTIES.names():
        for suffix in ("npz", "png"):
            (out / "uncertainty" / f"{name}_{kind}.{suffix}").unlink(missing_ok=True)
    for path in (out / "masks").glob("*/"):
        (path / f"{name}.png").unlink(missing_ok=True)  # of classes that overlap
    for label in range(1, 256):
        (out / "margins" / f"{name}_{label}.png").unlink(missing_ok=True)


def _remove_other_mask(mask: Path) -> None:
    """Remove the mask that an earlier prediction, piece by piece or whole, left beside the one that is now there."""
    for one, other in ((".png", ".tif"), (".tif", ".png")):
        if mask.suffix == one:
            mask.with_suffix(other).unlink(missing_ok=True)


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
            shape = (predictor.planes, *image.shape[:2])
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
    _write_overlay(out / "overlays" / f"{name}.png", image, mask, multilabel=predictor.multilabel)
    if predictor.multilabel:
        return _write_class_masks(out / "masks", name, mask, predictor.classes)
    return _write_mask(out / "masks" / f"{name}.png", mask, len(predictor.classes))


def _write_draws(stem: Path, image: NDArray[np.generic], bayesian: BayesianPredictor) -> None:
    maps = bayesian(image)
    maps.save(stem.with_name(f"{stem.name}.npz"))
    with atomic_path(stem.with_name(f"{stem.name}.png")) as temporary:
        Image.fromarray(draw_entropy(image, maps.mutual_information)).save(temporary)


def overlay(image: NDArray[np.generic], mask: NDArray[np.uint8], *, multilabel: bool = False) -> NDArray[np.uint8]:
    """Image (H, W, 3) with the contour of every class of `mask` drawn in the class's colour."""
    drawn = displayable(image)
    for cls in sorted(labels_in(np.unique(mask).tolist(), multilabel=multilabel) - {0}):
        region = region_of(mask, cls, multilabel=multilabel)
        drawn[find_boundaries(region, mode="inner")] = class_colour(cls)
    return drawn


def _write_class_masks(folder: Path, name: str, mask: NDArray[np.uint8], classes: Sequence[str]) -> Path:
    """Write ``CLASS/NAME.png`` for each class, as such data sets are read; the path of the first is returned."""
    paths = [
        _write_mask(folder / cls / f"{name}.png", region_of(mask, label, multilabel=True).astype(np.uint8), 2)
        for label, cls in enumerate(classes[1:], start=1)
    ]
    return paths[0]


def _write_mask(path: Path, mask: NDArray[np.uint8], classes: int) -> Path:
    indexed = Image.fromarray(mask, mode="P")
    indexed.putpalette(palette(classes))
    with atomic_path(path) as temporary:
        indexed.save(temporary)
    return path


def _write_overlay(
    path: Path, image: NDArray[np.generic], mask: NDArray[np.uint8], *, multilabel: bool = False
) -> Path:
    step = int(np.ceil(np.sqrt(mask.size / OVERLAY_PIXELS)))
    with atomic_path(path) as temporary:
        Image.fromarray(overlay(image[::step, ::step], mask[::step, ::step], multilabel=multilabel)).save(
            temporary
        )
    return path


def palette(classes: int) -> Sequence[int]:
    """Flat RGB palette: black background, then one colour-blind-safe colour a class."""
    return [0, 0, 0, *(value for cls in range(1, classes) for value in class_colour(cls))]

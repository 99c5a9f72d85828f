"""Writing a data set anew in another layout, whole or not at all."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from prismseg.base import ConfigError, DataError, OutputError, make_folder, progress_bar
from prismseg.base.files import output_error
from prismseg.data.conversion.targets import TARGETS, Converted
from prismseg.data.dataset import SegmentationDataset
from prismseg.data.layouts.annotated.shapes import BACKGROUND_LABELS, IGNORE_LABELS
from prismseg.data.layouts.listing import fold

_UNSAFE = str.maketrans(dict.fromkeys('/\\:*?"<>|', "_"))


@dataclass(frozen=True)
class Conversion:
    """What was written.

    Attributes
    ----------
    folder : Path
        The new data set.
    cases : int
        Images in it.
    left_out : int
        Images that the layout cannot hold because they have no mask.
    notes : tuple of str
        What a reader of the new data should know.
    """

    folder: Path
    cases: int
    left_out: int
    notes: tuple[str, ...]


def convert_dataset(
    dataset: SegmentationDataset, out: str | Path, to: str, *, show_progress: bool = False
) -> Conversion:
    """Write `dataset` in the layout `to`, one of `prismseg.data.conversion.targets.TARGETS`.

    Images are stored as they are decoded, upright and without loss: PNG of 8 bits (grey or RGB) and 16 (grey), else TIFF.
    Everything is written beside `out` first and put in its place when it is whole.

    Parameters
    ----------
    dataset : SegmentationDataset
        What to write.
    out : path
        Folder to make.
    to : str
        Name of the layout.
    show_progress : bool
        Show a progress bar.

    Raises
    ------
    ConfigError
        For an unknown layout.
    DataError
        When a file cannot be read, a mask does not fit its image, or the layout cannot hold the images.
    OutputError
        When `out` exists, or cannot be written.

    Examples
    --------
    >>> import numpy as np
    >>> from tempfile import mkdtemp
    >>> from prismseg.data import open_dataset
    >>> folder = Path(mkdtemp())
    >>> for name in ("p1", "p2"):
    ...     np.save(folder / f"{name}.npy", np.full((8, 8), 30, np.uint8))
    ...     np.save(folder / f"{name}_mask.npy", np.eye(8, dtype=np.uint8))
    >>> written = convert_dataset(open_dataset(folder, classes=["background", "nerve"]), folder / "coco", "coco")
    >>> open_dataset(written.folder).classes
    ['background', 'nerve']
    """
    target, out = TARGETS[to], Path(out)
    if dataset.multilabel:
        raise ConfigError(
            f"The classes of {dataset.root} overlap, and the masks that are written have one class a pixel."
        )
    if out.exists() or out.is_symlink():
        raise OutputError(f"{out} exists already, and nothing is overwritten; name another folder, or remove it.")
    indices = [
        index for index in range(len(dataset)) if target.takes_unlabelled or index not in dataset.unlabelled
    ]
    if not indices:
        raise DataError(f"No image of {dataset.root} has a mask, so there is nothing to convert to {to}.")
    _require_usual_names(dataset)
    names = [dataset.ids[index].translate(_UNSAFE) for index in indices]
    folded = Counter(fold(name) for name in names)
    if alike := [dataset.ids[index] for index, name in zip(indices, names, strict=True) if folded[fold(name)] > 1]:
        raise ConfigError(
            f"The cases {' and '.join(alike[:2])} of {dataset.root} would get one name where capital letters are not "
            "told apart; rename their files."
        )
    make_folder(out.parent)
    try:
        # A sibling of the target is on the same disk, so that moving it is one step.
        unfinished = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    except OSError as error:
        raise output_error(out, error) from error
    try:
        with progress_bar("converting", len(indices), visible=show_progress) as advance:
            cases = Converted(dataset, tuple(indices), tuple(names), advance)
            notes = (*target.write(cases, unfinished), *_tell_losses(dataset, indices, names))
        unfinished.chmod(0o755)
        unfinished.rename(out)
    except OSError as error:
        raise error if isinstance(error, DataError | OutputError) else output_error(out, error) from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return Conversion(out, len(indices), len(dataset) - len(indices), notes)


def _require_usual_names(dataset: SegmentationDataset) -> None:
    """Refuse names of classes that layouts give to the background, or to what counts nowhere."""
    taken = {*BACKGROUND_LABELS, *IGNORE_LABELS}
    if strange := [name for name in dataset.classes[1:] if name.lower() in taken]:
        raise ConfigError(
            f"The class {strange[0]!r} of {dataset.root} has a name that layouts keep for the background or for pixels "
            "that count nowhere, so it would be read back as such. Name it otherwise (--classes)."
        )


def _tell_losses(dataset: SegmentationDataset, indices: Sequence[int], names: Sequence[str]) -> Iterator[str]:
    """Say what PNG and TIFF files, and their names, do not hold of the cases."""
    renamed = [
        f"{dataset.ids[index]} is {name}"
        for index, name in zip(indices, names, strict=True)
        if dataset.ids[index] != name
    ]
    if renamed:
        yield f"Names with marks that files may not have everywhere are written with _: {', '.join(renamed[:3])}."
    if (spacing := dataset[indices[0]].spacing) is not None:
        yield (
            f"The size of a pixel ({spacing[0]:.3g} x {spacing[1]:.3g} mm) is not written: of the new data set distances "
            "are in pixels."
        )

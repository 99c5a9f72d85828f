"""The page of an explanation for any network with a data loader: nothing of either need be of prismseg."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from prismseg.base import DataError, ModelError, PrismsegError
from prismseg.data import Sample
from prismseg.evaluation import EvaluatedNetwork
from prismseg.explain.inputs.packing import PLAIN, Packing, pack_inputs, pack_masks, take_packed
from prismseg.explain.inputs.volumes import PLANAR_FILLS, PLANAR_METHODS, PLANAR_REGIONS, check_volume
from prismseg.explain.run import explain
from prismseg.explain.settings import ExplainSettings
from prismseg.explain.target.logits import OutputChoice, class_count, find_logits
from prismseg.explain.tensors import as_images, as_labels
from prismseg.explain.trace.adapters import Adapter
from prismseg.explain.trace.running import evaluation_mode, unwrap

_IMAGE_KEYS = ("image", "images", "img", "pixel_values", "x")
_MASK_KEYS = ("mask", "masks", "label", "labels", "seg", "y")

# Images may be several inputs: a sequence of tensors, or a mapping to the names of arguments.
Unpack = Callable[[Any], tuple[Any, Tensor]]


def unpack_batch(batch: Any) -> tuple[Any, Tensor]:
    """Find images and masks in what a data loader yields: a pair, or a mapping with usual names.

    Raises
    ------
    DataError
        When they cannot be told.

    Examples
    --------
    >>> images, masks = unpack_batch({"image": torch.zeros(1, 1, 2, 2), "label": torch.zeros(1, 2, 2)})
    >>> images.shape, masks.shape
    (torch.Size([1, 1, 2, 2]), torch.Size([1, 2, 2]))
    """
    if isinstance(batch, Mapping):
        image = next((key for key in _IMAGE_KEYS if key in batch), None)
        mask = next((key for key in _MASK_KEYS if key in batch), None)
        if image is not None and mask is not None:
            return batch[image], batch[mask]
        what = f"a mapping of {', '.join(map(repr, batch))}"
    elif isinstance(batch, Sequence) and len(batch) >= 2:
        return batch[0], batch[1]
    else:
        what = type(batch).__name__
    raise DataError(
        f"The loader yields {what}, in which images and masks are not found; say where they are: unpack=FUNCTION of a "
        "batch that returns both."
    )


@dataclass(frozen=True)
class _AsTheyAre:
    """Preparation of images that a loader has prepared already: nothing is changed."""

    size: tuple[int, ...]  # (H, W), or (D, H, W) of volumes
    keeps_shape: bool  # cases differ in size, so each is a batch

    def image_tensor(self, image: NDArray[np.generic]) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(np.moveaxis(image, -1, 0)))

    def mask_tensor(self, mask: NDArray[np.uint8]) -> Tensor:
        return torch.from_numpy(mask.astype(np.int64))


@dataclass(frozen=True)
class _ForeignNetwork:
    """What an explanation asks of a network of ours, answered for any other."""

    model: nn.Module
    classes: list[str]
    device: torch.device
    preprocess: _AsTheyAre
    output: OutputChoice
    adapter: Adapter | None
    packing: Packing


class _LoadedCases:
    """What an explanation asks of a data set, answered with the cases that a loader yielded."""

    def __init__(self, name: str, ids: Sequence[str], groups: Sequence[str], classes: Sequence[str]) -> None:
        self.root = Path(name)
        self.ids, self.groups, self.classes = list(ids), list(groups), list(classes)
        self.images: list[NDArray[np.float32]] = []
        self.masks: list[NDArray[np.uint8]] = []

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, index: int) -> Sample:
        name = self.ids[index]
        return Sample(name, self.groups[index], self.images[index], self.masks[index], self.root / name, None)


def explain_loader(
    model: nn.Module,
    loader: Iterable[Any],
    out: str | Path,
    *,
    class_names: Sequence[str] | None = None,
    ids: Sequence[object] | None = None,
    groups: Sequence[object] | None = None,
    name: str = "data",
    settings: ExplainSettings | None = None,
    output: OutputChoice = None,
    adapter: Adapter | None = None,
    unpack: Unpack = unpack_batch,
    most: int | None = None,
    **options: Any,
) -> Path:
    """Explain any network on the cases of a data loader, with the tables, figures and page of `prismseg explain`.

    Parameters
    ----------
    model : Module
        From images (B, C, H, W) to logits (B, K, H, W), from volumes (B, C, D, H, W) to logits (B, K, D, H, W), or to
        an output in which `output` finds these. It may take several inputs. It is left as it was found, its mode
        included.
    loader : iterable
        Yields batches of images, floating-point numbers as the network takes them, and masks of class indices (255:
        ignored). Images are a list or tuple of tensors where the network takes several inputs, or a mapping where it
        takes them by name: images or volumes of one size, besides vectors (B, F). All cases are kept in memory.
    out : path
        Folder to write to.
    class_names : sequence of str, optional
        By default the numbers of the classes.
    ids, groups : sequence, optional
        Name and patient of each case, in the order of the loader, which must not shuffle then; by default numbers, and
        each case a group of its own.
    name : str
        Of the data, for the page.
    settings : ExplainSettings, optional
    output, adapter
        As for `Atlas`.
    unpack : callable, optional
        Finds images and masks in a batch, see `unpack_batch`.
    most : int, optional
        How many cases to take; by default all.
    **options
        Of `prismseg.explain.explain`: resume, against, check_sanity, formats, show_progress.

    Returns
    -------
    Path
        The page ``explanation.html``.

    Raises
    ------
    DataError
        When the loader yields nothing, or what cannot be used, or there are more or fewer names than cases.
    ConfigError
        For a method, region or fill that is of planes, where the network takes volumes.
    ModelError
        When the network fails on the first image, or its output is no map of logits.

    Examples
    --------
    >>> import tempfile
    >>> net = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 2, 3, padding=1))
    >>> cases = torch.utils.data.TensorDataset(torch.rand(4, 1, 16, 16), torch.randint(0, 2, (4, 16, 16)))
    >>> folder = tempfile.TemporaryDirectory()
    >>> page = explain_loader(
    ...     net, torch.utils.data.DataLoader(cases, 2), folder.name, check_sanity=False, show_progress=False
    ... )
    >>> page.name
    'explanation.html'
    """
    inner = unwrap(model)
    images: list[NDArray[np.float32]] = []
    masks: list[NDArray[np.uint8]] = []
    packing = PLAIN
    for image, mask, found in _cases(loader, unpack, inner):
        if most is not None and len(images) >= most:
            break
        packing = found
        images.append(image)
        masks.append(mask)
    if not images:
        raise DataError("The loader yields no case; there is nothing to explain.")
    names = _named(ids, len(images), "ids")
    units = _named(groups, len(images), "groups") if groups is not None else names
    settings = settings or ExplainSettings()
    if packing.depth > 1:
        check_volume("map method", settings.methods, PLANAR_METHODS)
        check_volume("region", settings.regions, PLANAR_REGIONS)
        check_volume("fill", settings.faithfulness, PLANAR_FILLS)
    if not packing.is_plain:
        inner = take_packed(inner, packing, output)
        output = None if packing.depth > 1 else output
    with evaluation_mode(inner):
        device = next((parameter.device for parameter in inner.parameters()), torch.device("cpu"))
        with torch.no_grad():
            example = as_images(torch.from_numpy(np.moveaxis(images[0], -1, 0)[None].copy()), inner)
            logits = find_logits(_try(inner, example, packing), output, (example.shape[-2], example.shape[-1]))
        classes = list(class_names) if class_names is not None else [str(n) for n in range(class_count(logits))]
        cases = _LoadedCases(name, names, units, classes)
        cases.images, cases.masks = images, masks
        sizes = {image.shape[:2] for image in images}
        height, width = images[0].shape[:2]
        shape = (height, width) if packing.depth == 1 else (packing.depth, height // packing.depth, width)
        prepared = _AsTheyAre(shape, len(sizes) > 1)
        network = _ForeignNetwork(inner, classes, device, prepared, output, adapter, packing)
        evaluated = EvaluatedNetwork(cast(Any, network), tuple(range(len(images))), name=type(inner).__name__)
        return explain([evaluated], cast(Any, cases), out, settings=settings, **options)


def _try(network: nn.Module, example: Tensor, packing: Packing) -> Any:
    """Compute the first image; where the network cannot, say so before anything is written."""
    try:
        return network(example)
    except (MemoryError, torch.OutOfMemoryError, PrismsegError):
        raise
    except Exception as error:
        reason = (str(error).splitlines() or ["no reason"])[0]
        raise ModelError(
            f"The network fails on the loader's first image, {_told(packing)} of {_size(example, packing)} "
            f"({type(error).__name__}: {reason}). Give images of the size and the channels that it was made for."
        ) from error


def _size(example: Tensor, packing: Packing) -> str:
    height, width = example.shape[-2:]
    return (
        f"{height} x {width}" if packing.depth == 1 else f"{packing.depth} x {height // packing.depth} x {width}"
    )


def _cases(
    loader: Iterable[Any], unpack: Unpack, model: nn.Module
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.uint8], Packing]]:
    first: Packing | None = None
    for batch in loader:
        found, labels = unpack(batch)
        packed, packing = pack_inputs(found)
        first = first or packing
        if packing != first:
            raise DataError(
                f"The loader yields {_told(first)} and then {_told(packing)}; all cases need the same channels, and "
                "volumes as many slices (pad them, with 255 in the masks)."
            )
        images = as_images(packed, model)
        masks = as_labels(pack_masks(torch.as_tensor(labels), packing), images)
        if int(masks.max()) > 255 or int(masks.min()) < 0:
            raise DataError("A mask holds labels beyond 0 to 255; class indices are from 0 on, 255 is ignored.")
        for image, mask in zip(images, masks, strict=True):
            yield (
                np.ascontiguousarray(np.moveaxis(image.detach().float().cpu().numpy(), 0, -1)),
                mask.cpu().numpy().astype(np.uint8),
                packing,
            )


def _told(packing: Packing) -> str:
    inputs = " + ".join(str(part.channels) for part in packing.parts)
    return f"{inputs} channel{'s' * (inputs != '1')}" + (
        f" in {packing.depth} slices" if packing.depth > 1 else ""
    )


def _named(names: Sequence[object] | None, count: int, what: str) -> list[str]:
    if names is None:
        return [f"case {number:04d}" for number in range(count)]
    if len(names) != count:
        raise DataError(f"There are {count} cases and {len(names)} {what}; give one for each.")
    listed = [str(name) for name in names]
    if what == "ids" and len(set(listed)) < count:
        raise DataError("Two cases have one name; ids must differ.")
    return listed

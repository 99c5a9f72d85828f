"""From images to masks: the face of a trained network for people who do not write loops."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from prismseg.base import ConfigError, ModelError
from prismseg.data import Preprocess, read_image
from prismseg.inference.postprocess import POSTPROCESSORS
from prismseg.nets import SegmentationModel, class_probabilities, load_model
from prismseg.nets.instant.tiles import Tile, compute_in_tiles
from prismseg.nets.skips.pieces import ImageStatistics

BATCH_PIXELS = 2**20  # of images at their own pixels that share a pass; a larger one has a pass of its own
BAND_VALUES = 2**24  # probabilities that are enlarged at a time: 64 MiB in float32


@dataclass(frozen=True)
class Prediction:
    """What a network says about one image, at the image's own size.

    Attributes
    ----------
    mask : (H, W) uint8
        Class index of each pixel, after the network's post-processing (`prismseg.inference.postprocess`).
    probabilities : (K, H, W) float32
        Probability of each class, background first; sums to 1 over K. Of classes that overlap there are K - 1, without
        the background, each a probability by itself, and the mask holds a bit for each
        (`prismseg.data.masks.overlapping`).
    """

    mask: NDArray[np.uint8]
    probabilities: NDArray[np.float32]


class Predictor:
    """Segment images of any size with a trained network.

    Parameters
    ----------
    model : SegmentationModel
        A network whose `metadata` says how to feed it, as `prismseg train` writes it.
    mirror : bool, optional
        Average with the predictions of the mirrored image (test-time augmentation): left and right, up and down, or both,
        as training mirrored images too; other turns are implausible for a patient's image. By default as the network's
        metadata say (`test_mirror`), which a training run decides.
    device : str or torch.device
        Where to compute.
    shrink : int, optional
        Segment images at their own pixels (1), or at so many times fewer a side, instead of bringing each to the
        network's size; by default as the network was trained. Large images are then computed in tiles.

    Raises
    ------
    ModelError
        When the model does not say how to feed it, or was not trained for mirrored images.

    Examples
    --------
    >>> predictor = Predictor.from_pretrained("thermal-feet")  # shipped; or a run's folder
    >>> prediction = predictor(np.full((120, 160), 22.0, np.float32))  # a wall of 22 °C
    >>> prediction.mask.shape, int(prediction.mask.sum()), predictor.classes
    ((120, 160), 0, ['background', 'foot'])
    """

    def __init__(
        self,
        model: SegmentationModel,
        *,
        mirror: bool | None = None,
        device: str | torch.device = "cpu",
        shrink: int | None = None,
    ) -> None:
        if "preprocess" not in model.metadata:
            raise ModelError(
                "This model does not say how images must be prepared for it (config.json has no "
                "metadata.preprocess). Train it with `prismseg train`, or set model.metadata['preprocess']."
            )
        mirrors = _mirrors(model.metadata)
        if mirror and not mirrors:
            raise ModelError(
                "This network never saw mirrored images in training, so averaging over the mirror would harm it. "
                "Predict without mirroring, or train with augmentation."
            )
        self.device = usable_device(device)
        self.model = model.to(self.device, memory_format=torch.channels_last).eval()  # type: ignore[call-overload]
        self.preprocess = Preprocess.from_dict(model.metadata["preprocess"])
        if shrink is not None:
            self.preprocess = replace(self.preprocess, fit="native", shrink=shrink)
        self.multilabel = bool(model.metadata.get("multilabel", False))
        self.mirror = bool(model.metadata.get("test_mirror", False)) if mirror is None else mirror
        self._mirrors = mirrors if self.mirror else ()
        name = model.metadata.get("postprocess", "none")
        if name not in POSTPROCESSORS:
            raise ModelError(
                f"This network asks for the post-processing {name!r}, which is not known here; update prismseg, or "
                "install the package that brings it."
            )
        self._postprocess = POSTPROCESSORS[name]

    @classmethod
    def from_pretrained(
        cls,
        path: str | Path,
        *,
        mirror: bool | None = None,
        device: str | torch.device = "cpu",
        shrink: int | None = None,
    ) -> Predictor:
        """Load a network (folder, shipped or hub name, see `prismseg.nets.load_model`) and make a predictor of it."""
        return cls(load_model(path), mirror=mirror, device=device, shrink=shrink)

    @property
    def classes(self) -> list[str]:
        """Names of the classes, background first."""
        names: list[str] = self.model.metadata["classes"]
        return names

    @property
    def planes(self) -> int:
        """How many probabilities a pixel has: as many as classes; of classes that overlap the background has none."""
        return len(self.classes) - self.multilabel

    def labels(self, probabilities: Tensor) -> Tensor:
        """Mask (H, W) uint8 of probabilities (K, H, W): the most probable class, or the bits of all above a half."""
        if not self.multilabel:
            return probabilities.argmax(0).to(torch.uint8)
        places = torch.arange(len(probabilities), device=probabilities.device)[:, None, None]
        return ((probabilities > 0.5).int() << places).sum(0).to(torch.uint8)

    def __call__(self, image: NDArray[np.generic] | str | Path) -> Prediction:
        """Segment one image.

        Parameters
        ----------
        image : (H, W) or (H, W, C) array of uint8, uint16 or float, or path of an image file
            The image at its own size.

        Raises
        ------
        DataError
            When the file or array is not a usable image.
        """
        array = read_image(image) if isinstance(image, str | Path) else np.asarray(image)
        return next(self.predict([array]))

    def segment(
        self,
        image: NDArray[np.generic] | str | Path,
        *,
        probabilities: NDArray[np.floating[Any]] | None = None,
    ) -> NDArray[np.uint8]:
        """Mask (H, W) of one image: that of a `Prediction`, in little memory also where the image is large.

        Parameters
        ----------
        image : (H, W) or (H, W, C) array, or path of an image file
            The image at its own size.
        probabilities : (K, H, W) array of floats, optional
            Where to put the probabilities, such as an array on the disk (`numpy.lib.format.open_memmap`).

        Raises
        ------
        DataError
            When the file or array is not a usable image.
        """
        array = read_image(image) if isinstance(image, str | Path) else np.asarray(image)
        low = self.probabilities(self.preprocess.image_tensor(array)[None])
        mask = np.empty(array.shape[:2], np.uint8)
        for rows, band in _bands(low, *self.preprocess.covered(*mask.shape)):
            rows, band = (
                slice(rows.start, min(rows.stop, len(mask))),
                band[:, : len(mask) - rows.start, : mask.shape[1]],
            )
            mask[rows] = self.labels(band).cpu().numpy()
            if probabilities is not None:
                probabilities[:, rows] = band.float().cpu().numpy()
        return self._postprocess(mask)

    def predict(self, images: Iterable[NDArray[np.generic]], *, batch_size: int = 8) -> Iterator[Prediction]:
        """Segment many images, `batch_size` at a time, in their order."""
        pending: list[NDArray[np.generic]] = []
        for image in images:
            pending.append(image if image.ndim == 3 else image[..., None])
            # At their own pixels images may be large, and a batch of them would take too much memory.
            large = self.preprocess.fit == "native" and sum(each[..., 0].size for each in pending) > BATCH_PIXELS
            if len(pending) == batch_size or large:
                yield from self._predict_batch(pending)
                pending = []
        if pending:
            yield from self._predict_batch(pending)

    def _predict_batch(self, images: list[NDArray[np.generic]]) -> Iterator[Prediction]:
        prepared = ((self.preprocess.image_tensor(image), image) for image in images)
        # Images that keep their shape share a pass only with their like.
        for _, alike in groupby(prepared, key=lambda pair: pair[0].shape):
            tensors, originals = zip(*alike, strict=True)
            yield from self._predict_alike(torch.stack(tensors), originals)

    def _predict_alike(self, batch: Tensor, images: Sequence[NDArray[np.generic]]) -> Iterator[Prediction]:
        for image, low in zip(images, self.probabilities(batch), strict=True):
            height, width = image.shape[:2]
            size = self.preprocess.covered(height, width)
            full = F.interpolate(low[None], size=size, mode="bilinear", align_corners=False)[0, :, :height, :width]
            yield Prediction(
                mask=self._postprocess(self.labels(full).cpu().numpy()),
                probabilities=full.float().cpu().numpy(),
            )

    @torch.inference_mode()
    def probabilities(
        self, batch: Tensor, *, in_tiles: bool = True, statistics: ImageStatistics | None = None
    ) -> Tensor:
        """Probabilities (B, K, h, w) of prepared images (B, C, h, w), at their size; large ones `in_tiles`.

        Of a piece of an image, which is not cut further, `statistics` are those of the image.
        """
        # A network in closed form cuts large images by itself, and knows what it takes from the whole.
        if not in_tiles or self.preprocess.fit != "native" or self.model.closed_form:
            return self._mean(batch, self.statistics() if statistics is None else statistics)
        statistics = self.statistics()
        return compute_in_tiles(
            lambda part: self._mean(part, statistics),
            batch,
            self.model.stride,
            look=(lambda part, rows, columns: self.look(part, rows, columns, statistics))
            if statistics.needed
            else None,
        )

    def statistics(self) -> ImageStatistics:
        """Make empty statistics of an image that is shown to the network in pieces."""
        return ImageStatistics(self.model)

    @torch.inference_mode()
    def look(self, piece: Tensor, rows: Tile, columns: Tile, statistics: ImageStatistics) -> None:
        """Add a prepared piece (B, C, h, w) of an image to its `statistics`."""
        piece = piece.to(self.device, memory_format=torch.channels_last)
        for axes in ((), *self._mirrors):
            statistics.look(piece, rows, columns, axes)

    def _mean(self, batch: Tensor, statistics: ImageStatistics) -> Tensor:
        """Mean of the probabilities (B, K, h, w) over the mirrors."""
        batch = batch.to(self.device, memory_format=torch.channels_last)
        probabilities_of = torch.sigmoid if self.multilabel else class_probabilities
        probabilities = probabilities_of(statistics.compute(batch))
        for axes in self._mirrors:
            probabilities = probabilities + probabilities_of(statistics.compute(batch, axes)).flip(axes)
        return probabilities / (1 + len(self._mirrors)) if self._mirrors else probabilities


def _mirrors(metadata: dict[str, Any]) -> tuple[tuple[int, ...], ...]:
    """Axes of images (B, C, H, W) along which they may be mirrored, for each mirror image that training saw too."""
    horizontal = ((-1,),) if metadata.get("mirror", False) else ()
    vertical = ((-2,),) if metadata.get("mirror_vertical", False) else ()
    return (*horizontal, *vertical, *(((-2, -1),) if horizontal and vertical else ()))


def _bands(low: Tensor, height: int, width: int) -> Iterator[tuple[slice, Tensor]]:
    """Enlarge probabilities (1, K, h, w) to `height` x `width`, some rows (K, rows, width) at a time.

    The weights are those of bilinear interpolation by pixel centres.
    """
    count = max(1, BAND_VALUES // (low.shape[1] * width))
    if count >= height:
        full = F.interpolate(low, size=(height, width), mode="bilinear", align_corners=False)[0]
        yield slice(0, height), full
        return
    last = low.shape[2] - 1
    for start in range(0, height, count):
        rows = torch.arange(start, min(start + count, height), device=low.device, dtype=torch.float64)
        place = ((rows + 0.5) * (low.shape[2] / height) - 0.5).clamp(0, last)
        above = place.floor().long()
        share = (place - above).to(low.dtype)[:, None]
        lines = low[:, :, above] * (1 - share) + low[:, :, (above + 1).clamp(max=last)] * share
        band = F.interpolate(lines, size=(len(rows), width), mode="bilinear", align_corners=False)[0]
        yield slice(start, start + len(rows)), band


def require_one_label(predictor: Predictor, what: str) -> None:
    """Refuse networks whose classes overlap.

    Raises
    ------
    ModelError
        Saying that there is no `what` for them.
    """
    if getattr(predictor, "multilabel", False):  # whatever else predicts has one label a pixel
        raise ModelError(f"The classes of this network overlap (--multilabel), and for such there is no {what}.")


def usable_device(name: str | torch.device) -> torch.device:
    """Device of that name.

    Raises
    ------
    ConfigError
        When this machine has none.
    """
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise ConfigError(
            f"The device {str(name)!r} cannot be used here ({str(error).splitlines()[0][:120]}); choose cpu, or a "
            "device that this machine has."
        ) from error
    return device

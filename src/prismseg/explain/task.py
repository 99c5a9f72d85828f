"""What is explained: trained networks, the cases each is explained on, and the settings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from prismseg.base import DataError
from prismseg.data import Sample, SegmentationDataset
from prismseg.evaluation import EvaluatedNetwork
from prismseg.explain.atlas import Atlas
from prismseg.explain.settings import ExplainSettings
from prismseg.explain.tensors import as_images
from prismseg.explain.trace.memory import images_that_fit
from prismseg.inference import Predictor
from prismseg.inference.predictor import require_one_label

# On a processor larger batches are no faster: 138, 104, 90 and 101 ms an image in batches of 1, 4, 16 and 32 (U-Net of
# width 0.5, 128 x 128 pixels, all layers, two methods, one thread).
LARGEST_BATCH = 16


@dataclass(frozen=True)
class CaseBatch:
    """Cases as a network takes them.

    Attributes
    ----------
    images : (B, C, H, W) Tensor
    masks : (B, H, W) Tensor
        Class indices, 255 for pixels that are ignored.
    groups : sequence of str
        Patient (or other unit) of each case.
    ids : sequence of str
        Name of each case.
    """

    images: Tensor
    masks: Tensor
    groups: Sequence[str]
    ids: Sequence[str] = ()


@dataclass(frozen=True)
class ExplainTask:
    """Networks with their cases, the data set that these are of, and the settings.

    Attributes
    ----------
    networks : sequence of EvaluatedNetwork
        A network and its cases; a cross-validation has one a fold.
    dataset : SegmentationDataset
    settings : ExplainSettings
    part : str
        Which part of the data the cases are, for messages and the page.
    """

    networks: Sequence[EvaluatedNetwork]
    dataset: SegmentationDataset
    settings: ExplainSettings
    part: str = "all"

    @property
    def first(self) -> EvaluatedNetwork:
        """The first network that has cases; layers and checks are shown of it."""
        return next(network for network in self.networks if network.cases)

    @property
    def ids(self) -> list[str]:
        """Names of all cases."""
        return [self.dataset.ids[index] for network in self.networks for index in network.cases]

    def network_for(self, case: str) -> EvaluatedNetwork:
        """Find the network that a case is explained with; the last, where there are several."""
        index = self.dataset.ids.index(case)
        return next(network for network in reversed(self.networks) if index in network.cases)

    def atlas(self, network: EvaluatedNetwork, region: str | None = None) -> Atlas:
        """Make the atlas of a network for one region, by default the one that is shown large."""
        return make_atlas(network.predictor, self.settings, region)

    def batches(self, network: EvaluatedNetwork) -> Iterator[Sequence[int]]:
        """Yield the positions of a network's cases, as many at a time as fit into the memory."""
        cases, predictor = network.cases, network.predictor
        if not cases:
            return
        if predictor.preprocess.keeps_shape:
            size = 1  # each image has a shape of its own, so none can share a batch
        else:
            example = as_images(
                predictor.preprocess.image_tensor(self.dataset[cases[0]].image)[None], predictor.model
            )
            size = min(LARGEST_BATCH, images_that_fit(self.settings.memory, predictor.model, example))
        for begin in range(0, len(cases), size):
            yield cases[begin : begin + size]


def make_atlas(predictor: Predictor, settings: ExplainSettings, region: str | None = None) -> Atlas:
    """Make the atlas of a trained network for one region, by default the first of the settings."""
    require_one_label(predictor, "explanation of a whole run; explain its network with prismseg.explain.Atlas")
    return Atlas(
        predictor.model,
        "all" if settings.layers == ("all",) else settings.layers,
        settings.all_methods,
        region or settings.region,
        class_names=predictor.classes,
        output=getattr(predictor, "output", None),  # of other people's networks, see `explain_loader`
        adapter=getattr(predictor, "adapter", None),
        border=settings.border,
        perturb=settings.perturb,
        memory=settings.memory,
        seed=settings.seed,
    )


def load_cases(predictor: Predictor, dataset: SegmentationDataset, cases: Sequence[int]) -> CaseBatch:
    """Read cases, by their positions in the data set, and bring them to the network's size.

    Raises
    ------
    DataError
        When a case has no mask, or cannot be read.
    """
    images, masks = [], []
    for index in cases:
        sample = dataset[index]
        masks.append(predictor.preprocess.mask_tensor(mask_of(sample)))
        images.append(predictor.preprocess.image_tensor(sample.image))
    return CaseBatch(
        as_images(torch.stack(images), predictor.model).to(predictor.device, memory_format=torch.channels_last),
        torch.stack(masks).to(predictor.device),
        groups=tuple(dataset.groups[index] for index in cases),
        ids=tuple(dataset.ids[index] for index in cases),
    )


def mask_of(sample: Sample) -> NDArray[np.uint8]:
    """Take the mask (H, W) of a sample, or refuse a sample that has none."""
    if sample.mask is None:
        raise DataError(f"{sample.image_path} has no mask, so nothing can be said of where its evidence lies.")
    return sample.mask

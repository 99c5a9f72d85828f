"""Layers that are fitted to data before the first step."""

from __future__ import annotations

import torch

from prismseg.data import Augmentation
from prismseg.nets import SegmentationModel
from prismseg.nets.skips.fitting import fit_to_data, layers_to_fit
from prismseg.train.batches import step_seed
from prismseg.train.sources import Source


def fit_first_batch(network: SegmentationModel, source: Source, augment: Augmentation, seed: int) -> None:
    """Fit the layers of a network that ask for it to the first batch, changed as training changes it.

    A pure function of the seed, as batches are, so that a run that was cut before its first checkpoint begins alike.

    Parameters
    ----------
    network : SegmentationModel
        On the CPU.
    source : Source
        Of the run's batches.
    augment : Augmentation
        Of the run.
    seed : int
        Of the run.
    """
    if layers_to_fit(network):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(step_seed(seed, 0))
            images, _ = augment(*source.batch(source.numbers(0)))
        fit_to_data(network, images, seed=seed)

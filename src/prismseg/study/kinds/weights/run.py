"""What training does to the frequencies and phases of CRFFg layers: a trained network beside its untrained twin."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from prismseg.base import ModelError, atomic_path
from prismseg.base.version import VERSION
from prismseg.nets import SegmentationModel, create_model, find_model, load_model
from prismseg.nets.initial import WEIGHT_STREAMS
from prismseg.nets.skips.fitting import layers_to_fit
from prismseg.study.kinds.segmentation.run import run_segmentation
from prismseg.study.kinds.weights.layers import (
    STATES,
    Array,
    compare_weights,
    pair_layers,
    scaled_frequencies,
    to_array,
)
from prismseg.study.kinds.weights.settings import WeightsSettings
from prismseg.train.config import read_config


def run_weights(settings: WeightsSettings, folder: Path) -> pd.DataFrame:
    """Train if need be, and compare the weights of every CRFFg layer before and after.

    ``weights.npz`` in `folder` keeps the frequencies times the first sigma and the phases of each layer.

    Parameters
    ----------
    settings : WeightsSettings
        Which network.
    folder : Path
        Where the run works.

    Returns
    -------
    DataFrame
        Columns case, group, class, layer, measure, value, x: those of `compare_weights`, and of `run_segmentation`
        where a network is trained.

    Raises
    ------
    ModelError
        When there is no such network, it has no CRFFg layer, or does not say how it began.
    """
    tables = []
    if settings.training is not None:
        tables.append(run_segmentation(settings.training, folder))
        source = folder / "run"
    else:
        source = Path(str(settings.source))
    model = find_model(source)
    trained = load_model(model)
    stored = model.parent / "config.yaml"
    twin = untrained_twin(trained, read_config(stored).initial if stored.is_file() else None)
    with atomic_path(folder / "weights.npz") as temporary:
        np.savez_compressed(temporary, allow_pickle=False, **_arrays(twin, trained))
    tables.append(compare_weights(twin, trained))
    return pd.concat(tables, ignore_index=True)


def untrained_twin(trained: SegmentationModel, initial: str | None = None) -> SegmentationModel:
    """Make the network from which the training of `trained` began: from the same seed, or the one it was given.

    Parameters
    ----------
    trained : SegmentationModel
        With the metadata that training writes.
    initial : str, optional
        Where the network lies that training was given, if it was given one.

    Raises
    ------
    ModelError
        When its metadata do not say with which seed it was made, another version drew its weights by another rule, its
        layers were fitted to data, or it was given a network and `initial` is missing.
    """
    training = trained.metadata.get("training", {})
    if training.get("initial") is not None:
        if initial is None:
            raise ModelError(
                f"The training of the network began from the network {training['initial']}, and only the configuration "
                "of its run says where that lies; name the folder of the run as the source."
            )
        return load_model(initial)
    if "seed" not in training:
        raise ModelError(
            "The network does not say with which seed its training began, so it has no untrained twin."
        )
    if training.get("weight_streams") != WEIGHT_STREAMS:
        raise ModelError(
            f"The training of the network began from weights that {training.get('software', 'another version')} drew "
            f"by another rule than prismseg {VERSION} does, so its untrained twin cannot be drawn; train it anew."
        )
    if layers_to_fit(trained):
        raise ModelError(
            f"The layers on the skips of the network ({trained.settings.skip}) were fitted to the first training batch "
            "before it began to learn, so its untrained twin cannot be drawn from the seed."
        )
    return create_model(**trained.config, weights=training.get("encoder_weights"), seed=training["seed"]).eval()


def _arrays(before: SegmentationModel, after: SegmentationModel) -> dict[str, Array]:
    arrays = {}
    for name, pair in pair_layers(before, after).items():
        for state, layer in zip(STATES, pair, strict=True):
            arrays[f"{name}.frequencies.{state}"] = scaled_frequencies(layer, float(pair[0].scale))
            if layer.bias is not None:
                arrays[f"{name}.phases.{state}"] = to_array(layer.bias)
    return arrays

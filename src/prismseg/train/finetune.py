"""Start from a trained network: its settings become the run's, its weights the first ones."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from prismseg.base import ModelError
from prismseg.data import Preprocess
from prismseg.nets import SegmentationModel, find_model, load_model
from prismseg.nets.storage.lookup import is_shipped

# Small steps: what the network knows is to be bent towards a camera, not learnt anew.
_OPTIM = {"lr": 3e-4, "steps": 200, "batch_size": 8}


def finetune_settings(source: str | Path) -> dict[str, Any]:
    """Read the settings with which the network `source` goes on learning: its form, its input, short training.

    Parameters
    ----------
    source : str or path
        Name of a shipped network, or folder of a run or a network.

    Raises
    ------
    ModelError
        When there is no such network, or it does not say how to feed it.
    """
    if not is_shipped(source) and Path(source).exists():
        source = find_model(source).resolve()
    network = load_model(source)
    if "preprocess" not in network.metadata:
        raise ModelError(
            f"The network {source} does not say how images are prepared for it, so it cannot go on learning."
        )
    preprocess = Preprocess.from_dict(network.metadata["preprocess"])
    settings = network.settings
    return {
        "initial": str(source),
        "data": {"channels": preprocess.channels},
        "model": {
            **{
                name: getattr(settings, name) for name in ("arch", "skip", "multiplier", "preset", "width", "norm")
            },
            "encoder": settings.encoder or "none",
            "decoder": settings.decoder or "none",
            "options": settings.options or "none",
            "weights": "none",
        },
        "optim": dict(_OPTIM),
        "size": preprocess.size,
        "intensity": preprocess.intensity,
        "fit": preprocess.fit,
        "postprocess": network.metadata.get("postprocess", "none"),
        "test_mirror": network.metadata.get("test_mirror", False),
        "evaluate_every": 50,
    }


def has_reordered_classes(classes: Sequence[str], trained: SegmentationModel) -> bool:
    """Whether the network `trained` names these very classes in another order, so that its head would exchange them."""
    theirs = list(trained.metadata.get("classes") or ())
    return theirs != list(classes) and sorted(theirs) == sorted(classes)


def copy_weights(
    network: SegmentationModel, trained: SegmentationModel, source: str | Path, *, head: bool = True
) -> None:
    """Put the weights of the network `trained`, from `source`, into `network`; a head for other classes stays as drawn.

    Parameters
    ----------
    network, trained : SegmentationModel
        The network that goes on learning, and the one whose weights it takes.
    source : str or path
        Where `trained` came from, for messages.
    head : bool
        Whether to take the last layer too, where it has as many classes.

    Raises
    ------
    ModelError
        When the two differ in more than their classes.
    """
    ours, theirs = network.config, trained.config
    differing = sorted(key for key in {*ours, *theirs} - {"classes"} if ours.get(key) != theirs.get(key))
    if differing:
        which = ", ".join(f"{key} {theirs.get(key)} -> {ours.get(key)}" for key in differing)
        raise ModelError(
            f"The network {source} cannot be the start of this run, which is built otherwise: {which}."
        )
    with torch.no_grad():
        state = network.state_dict()
        for name, tensor in trained.state_dict().items():
            if not name.startswith("head.") or (head and tensor.shape == state[name].shape):
                state[name].copy_(tensor)

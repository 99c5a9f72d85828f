"""Start from a trained network: its settings become the run's, its weights the first ones."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from prismseg.base import ModelError
from prismseg.data import Preprocess, SegmentationDataset
from prismseg.nets import COMPOSED, SegmentationModel, find_model, load_model, refine
from prismseg.nets.storage.lookup import is_shipped, list_folds
from prismseg.train.config import TrainConfig
from prismseg.train.runs.network import make_preprocess

# Small steps: what the network knows is to be bent towards a camera, not learnt anew.
_OPTIM = {"lr": 3e-4, "steps": 200, "batch_size": 8}


def finetune_settings(source: str | Path) -> dict[str, Any]:
    """Read the settings with which the network `source` goes on learning: its form, its input, short training.

    Parameters
    ----------
    source : str or path
        Name of a shipped network, or folder of a run, a network or a cross-validation. Of a cross-validation each fold
        goes on from its like, with the same parts. A network that gradients do not train (one that was fitted in closed
        form, an ensemble) stays as it is, and a correction of it is trained.

    Raises
    ------
    ModelError
        When there is no such network, or it does not say how to feed it.
    """
    folds = [] if is_shipped(source) else list_folds(source)
    if folds:
        source = Path(source).resolve()
    elif not is_shipped(source) and Path(source).exists():
        source = find_model(source).resolve()
    network = load_model(folds[0] if folds else source)
    if "preprocess" not in network.metadata:
        raise ModelError(
            f"The network {source} does not say how images are prepared for it, so it cannot go on learning."
        )
    preprocess = Preprocess.from_dict(network.metadata["preprocess"])
    return {
        "initial": str(source),
        "data": {"channels": preprocess.channels},
        **({"split": {"folds": len(folds)}} if folds else {}),
        **({"model": {"refines": True}} if stays_as_it_is(network) else _trained_form(network)),
        "size": preprocess.size,
        "intensity": preprocess.intensity,
        "fit": preprocess.fit,
        "shrink": preprocess.shrink,
        "postprocess": network.metadata.get("postprocess", "none"),
        "test_mirror": network.metadata.get("test_mirror", False),
    }


def stays_as_it_is(network: SegmentationModel) -> bool:
    """Whether training from `network` means to train a correction of it, since gradients do not train it itself."""
    return network.settings.arch in COMPOSED or network.closed_form


def _trained_form(network: SegmentationModel) -> dict[str, Any]:
    """Give the settings of a network whose weights are to be the first ones."""
    settings = network.settings
    names = ("arch", "skip", "multiplier", "preset", "width", "norm")
    return {
        "model": {
            **{name: getattr(settings, name) for name in names},
            "encoder": settings.encoder or "none",
            "decoder": settings.decoder or "none",
            "bottleneck": settings.bottleneck or "none",
            "options": settings.options or "none",
            "weights": "none",
        },
        "optim": dict(_OPTIM),
        "evaluate_every": 50,
    }


def begin_from(
    network: SegmentationModel, initial: SegmentationModel, config: TrainConfig, dataset: SegmentationDataset
) -> tuple[SegmentationModel, list[str]]:
    """Let `network` begin as `initial`: with its weights, or as a correction of it that is 0.

    Returns
    -------
    SegmentationModel
        The network to train.
    list of str
        What a user has to know.

    Raises
    ------
    ModelError
        When the two do not fit.
    """
    reordered = has_reordered_classes(dataset.classes, initial)
    if config.model.refines:
        named = initial.metadata.get("classes", dataset.classes)
        if list(named) != list(dataset.classes):
            raise ModelError(
                f"The network {config.initial} tells apart {', '.join(named)}; the classes of {dataset.root} are "
                f"{', '.join(dataset.classes)}. A correction needs the same ones in the same order (--classes)."
            )
        return refine(initial, network, make_preprocess(config, dataset)), [
            f"Trained is a correction of {config.initial}, which stays as it is and is what step 0 predicts."
        ]
    other_kind = bool(initial.metadata.get("multilabel", False)) != dataset.multilabel
    copy_weights(network, initial, str(config.initial), head=not (reordered or other_kind))
    if other_kind:
        overlap = {True: "overlap (--multilabel)", False: "do not overlap"}
        return network, [
            f"The classes of {config.initial} {overlap[not dataset.multilabel]}, those of {dataset.root} "
            f"{overlap[dataset.multilabel]}; its last layer is not taken over."
        ]
    if not reordered:
        return network, []
    return network, [
        f"{config.initial} has these classes in another order ({', '.join(initial.metadata['classes'])}); its last layer "
        "is not taken over."
    ]


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

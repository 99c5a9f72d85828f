"""The network of a training run: how it is built and fed, and what it says of itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from prismseg.base import ConfigError
from prismseg.base.version import VERSION
from prismseg.data import AUGMENTATIONS, Preprocess, SegmentationDataset, Split
from prismseg.nets import ARCHITECTURES, SegmentationModel, create_model
from prismseg.nets.initial import WEIGHT_STREAMS
from prismseg.train.config import TrainConfig
from prismseg.train.runs.seen import SeenCases


def make_preprocess(config: TrainConfig, dataset: SegmentationDataset) -> Preprocess:
    """Preprocessing that training and prediction share."""
    return Preprocess(
        size=config.size,
        channels=dataset.channels,
        intensity=config.intensity,
        fit=config.fit,
        shrink=config.shrink,
    )


def is_fitted(config: TrainConfig) -> bool:
    """Whether the network is fitted in closed form, not trained by gradients."""
    return bool(getattr(ARCHITECTURES[config.model.arch], "closed_form", False))


def make_network(
    config: TrainConfig, dataset: SegmentationDataset, *, pretrained: bool = True
) -> SegmentationModel:
    """Untrained network for `dataset`: one logit for two classes, K logits for K > 2; of overlapping ones K - 1.

    With `pretrained` its encoder has the weights that `config` names; without it, all weights are random, as is right
    where others take their place at once.
    """
    classes = len(dataset.classes)
    unfit = is_fitted(config) or config.model.refines or config.postprocess != "none" or config.optim.relevance > 0
    if dataset.multilabel and unfit:
        raise ConfigError(
            "Classes that overlap (--multilabel) are learnt by training steps, without post-processing and relevance, "
            "and not by correcting another network."
        )
    logits = classes - 1 if dataset.multilabel or classes == 2 else classes
    return create_model(
        config.model.arch,
        skip=config.model.skip,
        multiplier=config.model.multiplier,
        in_channels=dataset.channels,
        classes=logits,
        preset=config.model.preset,
        width=config.model.width,
        norm=config.model.norm,
        encoder=config.model.encoder,
        decoder=config.model.decoder,
        bottleneck=config.model.bottleneck,
        options=config.model.options,
        weights=config.model.weights if pretrained else None,
        seed=config.seed,
    )


def describe(config: TrainConfig, dataset: SegmentationDataset, split: Split, seen: SeenCases) -> dict[str, Any]:
    """Facts that travel with the model: how to feed it, what its classes are, what it was trained on."""
    return {
        "preprocess": make_preprocess(config, dataset).to_dict(),
        "classes": list(dataset.classes),
        **({"multilabel": True} if dataset.multilabel else {}),
        **_mirrors(config),
        "postprocess": config.postprocess,
        "training": {
            "software": f"prismseg {VERSION}",
            "dataset": Path(config.data.path).name,
            "cases": {
                "train": len(split.train),
                "validation": len(split.validation),
                "labelled": len(split.train) + len(split.validation),
            },
            "source": config.source.model_dump(mode="json"),
            "optim": config.optim.model_dump(mode="json"),
            "augmentation": config.augmentation,
            **(
                {}
                if config.crop is None
                else {"crop": list(config.crop), "crop_foreground": config.crop_foreground}
            ),
            **({"soft_labels": True} if config.soft_labels else {}),
            "initial": None if config.initial is None else _short(config.initial),
            "seed": config.seed,
            **({} if config.model.weights is None else {"encoder_weights": _short(config.model.weights)}),
            "weight_streams": WEIGHT_STREAMS,
        },
        "seen": seen.to_metadata(),
    }


def _mirrors(config: TrainConfig) -> dict[str, bool]:
    """Over which mirrors predictions may be averaged, and whether they are where nobody says."""
    augmentation = AUGMENTATIONS[config.augmentation]
    return {
        "mirror": augmentation.flip > 0,
        **({"mirror_vertical": True} if augmentation.flip_vertical > 0 else {}),
        **({"test_mirror": True} if config.test_mirror else {}),
    }


def _short(path: str) -> str:
    """Name of a run or network, without the folders it lies in: those may say whose it is."""
    parts = Path(path).parts
    return "/".join(parts[-2:]) if parts[-1] == "model" else parts[-1]

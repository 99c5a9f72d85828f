"""The image classifiers of the thesis's first experiment, on Fashion-MNIST."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import nn

from prismseg.base import ConfigError
from prismseg.features import CRFFg2d, RandomFourierFeatures
from prismseg.nets.choices import CLASSIFIERS, PRESETS
from prismseg.nets.initial import choose_seed, draw_weights, initialize

WIDTHS = (16, 32, 64)  # channels of the three layers
FLAT = 576  # features after them: 64 channels of 3×3, from 28×28 images
DENSE = 32  # features of the dense layer


def create_classifier(
    kind: str = "cnn",
    *,
    in_channels: int = 1,
    classes: int = 10,
    preset: str = "default",
    seed: int | None = None,
) -> nn.Sequential:
    """Build an untrained classifier for 28×28 images: three 3×3 layers without border, two poolings, two dense layers.

    Parameters
    ----------
    kind : {"cnn", "crffg", "cnn+rff"}
        Convolutions with ReLU and a dense ReLU layer; CRFFg layers and a dense ReLU layer; or convolutions with
        ReLU and dense random Fourier features.
    in_channels, classes : int
        Channels of the images and number of classes.
    preset : {"default", "thesis"}
        Form of the random Fourier layers, see `prismseg.features.FourierSettings`.
    seed : int, optional
        Of the initial weights; by default one number from torch's global generator. With the same seed, layers that
        two kinds share have the same weights.

    Returns
    -------
    nn.Sequential
        From (B, in_channels, 28, 28) to logits (B, classes).

    Raises
    ------
    ConfigError
        For an unknown kind or preset.

    Examples
    --------
    >>> create_classifier("crffg", seed=0)(torch.rand(2, 1, 28, 28)).shape
    torch.Size([2, 10])
    """
    if kind not in CLASSIFIERS:
        raise ConfigError(f"There is no classifier {kind!r}; choose one of {', '.join(CLASSIFIERS)}.")
    if preset not in PRESETS:
        raise ConfigError(f"There is no preset {preset!r} for classifiers; choose one of {', '.join(PRESETS)}.")
    chosen = choose_seed(seed)
    with torch.random.fork_rng(devices=[]):
        model = nn.Sequential(_layers(kind, in_channels, classes, preset))
    draw_weights(model, chosen, initialize if preset == "default" else None)
    return model


def _layers(kind: str, in_channels: int, classes: int, preset: str) -> OrderedDict[str, nn.Module]:
    """Layers by name; a name means the same kind of layer in every classifier."""
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    channels = in_channels
    for number, width in enumerate(WIDTHS, start=1):
        if kind == "crffg":
            layers[f"crffg{number}"] = CRFFg2d(channels, width, preset=preset, padding_mode="none")
        else:
            layers[f"conv{number}"], layers[f"relu{number}"] = nn.Conv2d(channels, width, 3), nn.ReLU()
        if number < len(WIDTHS):
            layers[f"pool{number}"] = nn.MaxPool2d(2)
        channels = width
    layers["flatten"] = nn.Flatten()
    if kind == "cnn+rff":
        layers["rff"] = RandomFourierFeatures(FLAT, DENSE, preset=preset)
    else:
        layers["dense"], layers["dense_relu"] = nn.Linear(FLAT, DENSE), nn.ReLU()
    layers["head"] = nn.Linear(DENSE, classes)
    return layers

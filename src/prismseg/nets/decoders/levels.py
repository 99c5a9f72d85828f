"""Which levels a decoder has, for the encoder that stands before it."""

from __future__ import annotations

from typing import NamedTuple

from prismseg.nets.encoders.encoder import Encoder, upsampling_factors
from prismseg.nets.settings import NetworkSettings

BOTTLENECK = 128  # channels at the coarsest level, as in the thesis


class Level(NamedTuple):
    """A level of a decoder.

    Attributes
    ----------
    factor : int
        By which what comes from below is enlarged first.
    width : int
        Channels that come out.
    """

    factor: int
    width: int


def decoder_levels(settings: NetworkSettings, encoder: Encoder) -> list[Level]:
    """List the levels of the decoder that `settings` choose, from the coarsest to the finest.

    The first of them take the encoder's skips, from the coarsest to the finest; those that are left take none and lead
    on to the grid of the image.

    Examples
    --------
    >>> from prismseg.nets.encoders.efficientnet import EfficientNetLite0
    >>> for decoder in (None, "wide"):
    ...     settings = NetworkSettings("unet", encoder="efficientnet_lite0", decoder=decoder)
    ...     [tuple(level) for level in decoder_levels(settings, EfficientNetLite0(settings))]
    [(2, 112), (2, 40), (2, 24), (2, 16)]
    [(2, 256), (2, 128), (2, 64), (2, 32), (2, 16)]
    """
    factors, strides = upsampling_factors(encoder), list(encoder.strides[-2::-1])
    chosen = settings.decoder_settings
    if chosen is None:
        return [Level(*level) for level in zip(factors, encoder.channels[-2::-1], strict=True)]
    while strides[-1] > 1:
        factor = 2 if strides[-1] % 2 == 0 else strides[-1]
        factors.append(factor)
        strides.append(strides[-1] // factor)
    return [
        Level(factor, settings.channels(chosen.width_at(stride)))
        for factor, stride in zip(factors, strides, strict=True)
    ]


def decoded_stride(settings: NetworkSettings, encoder: Encoder) -> int:
    """Pixels of the image per pixel of what the decoder gives."""
    return encoder.strides[0] if settings.decoder is None else 1


def bottleneck_width(settings: NetworkSettings, deepest: int) -> int:
    """Give the channels of the layers between encoder and decoder, 0 for none; the encoder's last map has `deepest`."""
    chosen = settings.decoder_settings
    return max(settings.channels(BOTTLENECK), deepest) if chosen is None or chosen.bottleneck else 0

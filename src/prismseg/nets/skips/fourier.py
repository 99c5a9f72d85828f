"""Forms in which random Fourier features stand on a skip: what is trained, what surrounds them, and at which scales.

Each form is a value of `FourierSkip`, an entry of `prismseg.nets.SKIPS`. Others are made and registered alike::

    SKIPS.register("mine", FourierSkip({"kernel": "matern32"}, residual=True))
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from prismseg.features import CRFFg2d, NystromFeatures2d
from prismseg.nets.blocks import UnitRMS, bare_skip


@dataclass(frozen=True)
class FourierSkip:
    """A form of random Fourier features on a skip of C channels at multiplier M.

    With phi the features of the skip x, normalised to rms 1 in the default preset, what comes out is

    - ``phi(x)``, of M C features;
    - with `project` ``W phi(x)``, of M C channels, W a trained 1×1 convolution of `features` M C features;
    - with `residual` ``x + g W phi(x)``, of C channels, g a trained gain for each channel that begins at 0 (Bachlechner
      et al. 2021, "ReZero"; for each channel as in Touvron et al. 2021, "LayerScale"): at first the skip alone. W is
      there where phi has other than C features, or with `project`.

    Parameters
    ----------
    changes : mapping
        Settings that replace those of the preset, see `prismseg.features.FourierSettings`.
    scales : tuple of float
        Of the features, which are parted evenly among them; each is `FourierSettings.scale` of its part.
    landmarks : bool
        Take Nyström features of the Gaussian kernel instead, at landmarks of the data
        (`prismseg.features.NystromFeatures2d`); they have none of these settings.
    features : int
        Features for each channel that comes out.
    project, residual : bool
        What surrounds them.

    Examples
    --------
    >>> residual = FourierSkip(residual=True)
    >>> layer, skip = residual(8, 24, "default"), torch.rand(1, 8, 5, 5)
    >>> layer.out_channels, bool((layer(skip) == UnitRMS()(skip)).all())
    (8, True)
    """

    changes: Mapping[str, Any] = field(default_factory=dict)
    scales: tuple[float, ...] = ()
    landmarks: bool = False
    features: int = 1
    project: bool = False
    residual: bool = False

    def __call__(self, channels: int, width: int, preset: str) -> nn.Module:
        """Layer on a skip of `channels` channels; `width` is M C."""
        phi = self._features(channels, width * self.features, preset)
        if self.residual:
            exact = phi.out_channels == channels and not self.project
            inner = phi if exact else nn.Sequential(phi, nn.Conv2d(phi.out_channels, channels, 1))
            return ResidualSkip(channels, inner, bare_skip(channels, channels, preset))
        if self.project:
            layers = [phi, nn.Conv2d(phi.out_channels, width, 1)]
            return nn.Sequential(*layers) if preset == "thesis" else nn.Sequential(*layers, UnitRMS())
        return phi

    def _features(self, channels: int, count: int, preset: str) -> CRFFg2d | SideBySide | NystromFeatures2d:
        if self.landmarks:
            return NystromFeatures2d(channels, count)
        if self.changes.get("mapping") == "paired":
            count += count % 2
        if not self.scales:
            return CRFFg2d(channels, count, preset=preset, **self.changes)
        share, more = divmod(count, len(self.scales))
        counts = [share + (number < more) for number in range(len(self.scales))]
        return SideBySide(
            [
                CRFFg2d(channels, each, preset=preset, **{**self.changes, "scale": scale})
                for each, scale in zip(counts, self.scales, strict=True)
                if each
            ]
        )


class SideBySide(nn.ModuleList):
    """Layers that see the same input; their features are joined.

    Parameters
    ----------
    layers : sequence of CRFFg2d
        With the same number of channels before them.
    """

    def __init__(self, layers: Sequence[CRFFg2d]) -> None:
        super().__init__(layers)
        self.out_channels = sum(layer.out_channels for layer in layers)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, H, W) to (B, out_channels, H, W)."""
        return torch.cat([layer(x) for layer in self], dim=1)


# The parameter's unit, so that a hundred of Adam's steps of 1e-3 bring a gain to 1. Gains that were parameters themselves
# stood at 0.01 to 0.03 after 200 steps on ultrasound: such a network is one without layers.
GAIN_UNIT = 10.0


class ResidualSkip(nn.Module):
    """The skip plus a layer of it, ``shortcut(x) + GAIN_UNIT * gain * layer(x)``.

    Parameters
    ----------
    channels : int
        Channels of the skip, and of what comes out.
    layer, shortcut : nn.Module
        Both keep the number of channels.

    Attributes
    ----------
    gain : (channels,) Parameter
        Begins at 0.
    """

    def __init__(self, channels: int, layer: nn.Module, shortcut: nn.Module) -> None:
        super().__init__()
        self.layer, self.shortcut, self.out_channels = layer, shortcut, channels
        self.gain = nn.Parameter(torch.zeros(channels))

    def reset_parameters(self) -> None:
        """Begin at the skip alone."""
        nn.init.zeros_(self.gain)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, channels, H, W) to the same shape."""
        enhanced: Tensor = self.shortcut(x) + GAIN_UNIT * self.gain[:, None, None] * self.layer(x)
        return enhanced


_FROZEN = {"trainable_weight": False, "mapping": "paired", "orthogonal": True}
FEATURES = 4  # a channel, in front of a 1×1 convolution: 4 C² weights, where a 3×3 convolution has 9 C²
SCALES = (0.5, 1.0, 2.0)  # in units of the median distance between patches

RESIDUAL = FourierSkip(residual=True)
FROZEN = FourierSkip(_FROZEN, features=FEATURES, project=True)
FROZEN_RESIDUAL = FourierSkip(_FROZEN, features=FEATURES, project=True, residual=True)
SLOW = FourierSkip({"weight_rate": 0.1})
PAIRED = FourierSkip({"mapping": "paired", "trainable_amplitude": True})
MULTISCALE = FourierSkip({"fit": "scale"}, scales=SCALES)
WHITENED = FourierSkip({"fit": "frequencies"})
NYSTROM = FourierSkip(landmarks=True, features=FEATURES, project=True)

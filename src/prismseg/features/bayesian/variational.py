r"""CRFFg with variational frequencies: each has a normal distribution, and the mean feature is known in closed form.

With :math:`q(\omega) = N(\mu, \mathrm{diag}\, s^2)` the phase of a patch x is normal, with the mean :math:`m =
\mu^T x + b` and the variance :math:`v = \sum_i s_i^2 x_i^2`: two convolutions, of x and of its squares. Hence

.. math:: E[\cos(\omega^T x + b)] = \cos(m)\, e^{-v/2}, \qquad E[\cos^2(\omega^T x + b)] = \tfrac12 (1 + \cos(2m)\,
e^{-2v}),

and for the sine :math:`\sin(m) e^{-v/2}` and :math:`\tfrac12 (1 - \cos(2m) e^{-2v})`. The mean feature shrinks
where v is large: for patches that are large along frequencies that the data do not determine.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from prismseg.base import ConfigError
from prismseg.features.crffg import CRFFg2d
from prismseg.features.settings import FourierSettings

DEVIATION = 0.05  # first deviation of a frequency, in units of the spectral prior's


class VariationalCRFFg2d(CRFFg2d):
    r"""Convolutional random Fourier features with normally distributed frequencies.

    Parameters
    ----------
    in_channels, out_channels, kernel_size, preset, generator, **changes
        As of `prismseg.features.CRFFg2d`. The kernel is Gaussian (its frequencies are the prior), without "mass".
    deviation : float
        First standard deviation of each entry of a frequency, in units of the prior's.

    Attributes
    ----------
    log_deviation : Parameter, of the shape of `weight`
        Logarithm of the standard deviation of `weight`.

    Notes
    -----
    `forward` gives the expected features, without sampling; after `draw_` it gives those of one draw of all
    frequencies.

    Raises
    ------
    ConfigError
        For a kernel other than the Gaussian one, "mass", or a deviation that is not positive.

    Examples
    --------
    >>> layer = VariationalCRFFg2d(2, 8)
    >>> mean, variance = layer.moments(torch.rand(1, 2, 5, 5))
    >>> mean.shape, bool((variance >= 0).all()), layer.kl().item() > 0
    (torch.Size([1, 8, 5, 5]), True, True)
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int = 3,
        *,
        preset: str | FourierSettings = "default",
        generator: torch.Generator | None = None,
        deviation: float = DEVIATION,
        **changes: str | float | bool | None,
    ) -> None:
        super().__init__(in_channels, out_channels, kernel_size, preset=preset, generator=generator, **changes)
        if self.settings.kernel != "gaussian" or self.settings.mass:
            raise ConfigError(
                "Variational frequencies have a normal prior, that of the Gaussian kernel without 'mass'; this layer "
                f"has the kernel {self.settings.kernel!r}" + (" with 'mass'." if self.settings.mass else ".")
            )
        if not deviation > 0:
            raise ConfigError(f"The deviation of frequencies is positive, not {deviation:g}.")
        start = math.log(deviation * self.prior_deviation)
        self.log_deviation = nn.Parameter(torch.full_like(self.weight, start, requires_grad=True))
        self._noise: Tensor | None = None

    @classmethod
    def of(cls, layer: CRFFg2d, deviation: float = DEVIATION) -> VariationalCRFFg2d:
        """Make one whose frequencies are distributed about those of a layer, which is left as it is.

        Raises
        ------
        ConfigError
            When the layer's kernel has no normal prior.
        """
        made = cls(
            layer.in_channels, layer.out_channels, layer.kernel_size, preset=layer.settings, deviation=deviation
        )
        made.load_state_dict(layer.state_dict(), strict=False)
        return made.to(layer.weight).train(layer.training)

    @property
    def prior_deviation(self) -> float:
        """Standard deviation of an entry of `weight` before training, 1 / sqrt(n)."""
        return 1 / math.sqrt(self.fan_in)

    @property
    def deviation(self) -> Tensor:
        """Standard deviations of `weight`, in its shape."""
        return self.log_deviation.exp()

    def draw_(self, generator: torch.Generator | None = None) -> None:
        """Draw all frequencies; `forward` then uses these, until `expect_`."""
        self._noise = torch.randn(self.weight.shape, generator=generator).to(self.weight)

    def expect_(self) -> None:
        """Go back to expected features."""
        self._noise = None

    def frequencies(self) -> Tensor:
        """Mean frequencies, or those that were drawn, of the shape of `weight`."""
        if self._noise is None:
            return super().frequencies()
        return (self.weight + self.deviation * self._noise) / self.relative_scale

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, in_channels, H, W) to expected features (B, out_channels, H, W), or to drawn ones after `draw_`."""
        return self._expected(x)[0] if self._noise is None else super().forward(x)

    def moments(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and variance of the features (B, out_channels, H, W) over the distribution of the frequencies."""
        mean, phase, spread = self._expected(x)
        double = torch.cos(2 * phase) * torch.exp(-2 * spread)
        squares = (1 + double) / 2
        if self.settings.mapping == "paired":
            squares = torch.cat([squares, (1 - double) / 2], dim=1)
        return mean, (squares * self._factor().square() - mean.square()).clamp(min=0)

    def kl(self) -> Tensor:
        r"""KL divergence of the distribution from the spectral prior, a scalar.

        :math:`\sum \log(\sigma_0 / s) + (s^2 + \mu^2) / (2 \sigma_0^2) - 1/2` over all entries of `weight`, with the
        prior N(0, :math:`\sigma_0^2`).
        """
        prior = self.prior_deviation
        ratio = (self.deviation.square() + self.weight.square()) / (2 * prior**2)
        return (math.log(prior) - self.log_deviation + ratio - 0.5).sum()

    def _expected(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Mean features, mean phases and variances of the phases."""
        padded, padding = self._padded(self.normalize(x))
        phase = F.conv2d(padded, super().frequencies(), self.bias, padding=padding)
        spread = F.conv2d(padded.square(), (self.deviation / self.relative_scale).square(), padding=padding)
        damping = torch.exp(-spread / 2)
        mean = torch.cos(phase) * damping
        if self.settings.mapping == "paired":
            mean = torch.cat([mean, torch.sin(phase) * damping], dim=1)
        return mean * self._factor(), phase, spread

    def _factor(self) -> Tensor:
        """Factor on the cosines, to be multiplied with features."""
        amplitude = torch.tensor(self.amplitude()).to(self.weight)
        if self.amplitudes is None:
            return amplitude
        each = self.amplitudes.repeat(2) if self.settings.mapping == "paired" else self.amplitudes
        return amplitude * each[:, None, None]

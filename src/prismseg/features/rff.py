"""Dense random Fourier features."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from prismseg.base import ConfigError
from prismseg.features.fourier import FourierFeatures
from prismseg.features.kernels import distance_norm
from prismseg.features.scale import median_scale
from prismseg.features.settings import FourierSettings, choose_settings


class RandomFourierFeatures(FourierFeatures):
    r"""Features ``z(x)`` whose inner products approximate a shift-invariant kernel.

    ``z(x) = a [cos(w_q' x / sigma + b_q)]_q`` (Rahimi & Recht 2007, algorithm 1) or the paired form without
    phases (Sutherland & Schneider 2015, eq. 2). With ``a = sqrt(2 / Q)`` (amplitude "kernel"),
    ``z(x)' z(y) -> k(x - y)`` with variance ``(1 + k(2 d) / 2 - k(d)^2) / Q`` for "cos" and
    ``(1 + k(2 d) - 2 k(d)^2) / Q`` for "paired", d = x - y (ibid., props. 1 and 2).

    Parameters
    ----------
    in_features, out_features : int
        Sizes of the last dimension before and after.
    preset : {"frozen", "default", "thesis"} or FourierSettings
        Settings to start from.
    generator : torch.Generator, optional
        Source of the random weights; by default torch's global one.
    **changes
        Settings that replace those of `preset` where they are not None, by their names in `FourierSettings`: kernel,
        scale, scale_unit, mapping, orthogonal, stratified, trainable_weight, trainable_scale, normalization, amplitude,
        mass, trainable_amplitude, weight_rate, fit.

    Notes
    -----
    Shape: (N, in_features) to (N, out_features).

    Raises
    ------
    ConfigError
        For settings that do not exist or contradict each other.

    Examples
    --------
    >>> features = RandomFourierFeatures(5, 4096, generator=torch.Generator().manual_seed(0))
    >>> x = torch.linspace(0, 1, 10).reshape(2, 5)
    >>> z = features(x)
    >>> (z @ z.T).detach().diagonal()  # k(0) = 1, which the paired form has exactly
    tensor([1.0000, 1.0000])
    """

    _batch_norm = nn.BatchNorm1d

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        preset: str | FourierSettings = "frozen",
        generator: torch.Generator | None = None,
        **changes: str | float | bool | None,
    ) -> None:
        if "padding_mode" in changes:
            raise ConfigError("Dense features have no border, so they take no padding_mode.")
        super().__init__(out_features, (in_features,), choose_settings(preset, changes), generator)
        self.in_features = in_features

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, in_features) to (N, out_features)."""
        return self.activate(F.linear(self.normalize(x), self.frequencies(), self.bias))

    def fit_scale_(self, x: Tensor) -> None:
        """Set sigma to the median distance between the rows of `x` (N, in_features), as the layer sees them."""
        with torch.no_grad():
            self.set_scale_(median_scale(self.normalize(x), norm=distance_norm(self.settings.kernel)))

    def fit_(self, x: Tensor, generator: torch.Generator | None = None) -> None:
        """Fit to the rows of `x` (N, in_features) as `settings.fit` says, see `fit_points_`."""
        if self.fits_data:
            with torch.no_grad():
                self.fit_points_(self.normalize(x), generator)

"""Dense random Fourier features."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from prismseg.features.fourier import FourierFeatures
from prismseg.features.normalize import CONSTANT, unit_rms
from prismseg.features.presets import choose_settings
from prismseg.features.scale import median_scale


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
    preset : {"frozen", "default", "thesis"}
        Settings to start from; those below replace its own where they are not None.
    kernel, scale, scale_unit, mapping, orthogonal, stratified, trainable_weight, trainable_scale, normalization
        See `FourierSettings`.
    amplitude, mass
        See `FourierSettings`.
    generator : torch.Generator, optional
        Source of the random weights; by default torch's global one.

    Raises
    ------
    ConfigError
        For settings that do not exist or contradict each other.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        preset: str = "frozen",
        kernel: str | None = None,
        scale: float | None = None,
        scale_unit: str | None = None,
        mapping: str | None = None,
        orthogonal: bool | None = None,
        stratified: bool | None = None,
        trainable_weight: bool | None = None,
        trainable_scale: bool | None = None,
        normalization: str | None = None,
        amplitude: str | None = None,
        mass: bool | None = None,
        generator: torch.Generator | None = None,
    ) -> None:
        settings = choose_settings(
            preset,
            kernel=kernel,
            scale=scale,
            scale_unit=scale_unit,
            mapping=mapping,
            orthogonal=orthogonal,
            stratified=stratified,
            trainable_weight=trainable_weight,
            trainable_scale=trainable_scale,
            normalization=normalization,
            amplitude=amplitude,
            mass=mass,
        )
        super().__init__(out_features, (in_features,), settings, generator)
        self.in_features = in_features
        self.norm = (
            nn.BatchNorm1d(in_features, eps=CONSTANT, affine=False) if settings.normalization == "batch" else None
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, in_features) to (N, out_features)."""
        return self.activate(F.linear(self._normalized(x), self.frequencies(), self.bias))

    def fit_scale_(self, x: Tensor) -> None:
        """Set sigma to the median distance between the rows of `x` (N, in_features), as the layer sees them."""
        norm = 1 if self.settings.kernel == "laplacian_l1" else 2
        with torch.no_grad():
            self.set_scale_(median_scale(self._normalized(x), norm=norm))

    def _normalized(self, x: Tensor) -> Tensor:
        if self.norm is not None:
            normalized: Tensor = self.norm(x)
            return normalized
        return unit_rms(x) if self.settings.normalization == "rms" else x

"""CRFFg: a convolutional layer of random Fourier features trained by gradient descent."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from prismseg.base import ConfigError
from prismseg.features.fourier import FourierFeatures
from prismseg.features.kernels import distance_norm
from prismseg.features.scale import median_scale, sample_patches
from prismseg.features.settings import FourierSettings, choose_settings

# Patches from which the shape of the data is taken; those of 320 channels and 3×3 pixels have 2,880 values.
FITTED_PATCHES = 10_000


class CRFFg2d(FourierFeatures):
    r"""Convolutional random Fourier features, ``a cos(omega * x + b)``, omega = W / sigma.

    Every patch of the input is mapped by random Fourier features of a kernel (Rahimi & Recht 2007), and weights
    and phases are then trained (Aguirre-Arango, Álvarez-Meza & Castellanos-Domínguez 2023, eq. 7). The default is
    the critical form: the input is normalised to rms 1, ``sigma = sqrt(n m)`` with ``n = in_channels k²`` and m the
    mean square of the kernel's frequencies (1 for the Gaussian), and ``a = sqrt(2)``, so that outputs have rms 1 and
    gradients keep their size from layer to layer.
    ``preset="thesis"`` is the published form, ``preset="frozen"`` the one for kernel studies and closed-form heads.

    Parameters
    ----------
    in_channels, out_channels : int
        Channels of input and output.
    kernel_size : int
        Odd side k of the filters.
    preset : {"default", "frozen", "thesis"} or FourierSettings
        Settings to start from.
    generator : torch.Generator, optional
        Source of the random weights; by default torch's global one.
    **changes
        Settings that replace those of `preset` where they are not None, by their names in `FourierSettings`: kernel,
        scale, scale_unit, mapping, orthogonal, stratified, trainable_weight, trainable_scale, padding_mode,
        normalization, amplitude, mass, trainable_amplitude, weight_rate, fit.

    Notes
    -----
    Shape: (B, in_channels, H, W) to (B, out_channels, H, W), smaller by k - 1 for padding_mode "none". Under
    autocast the convolution may run in a short format; phase and cosine are computed in float32. An image too
    small for its reflected border gets a replicated one.

    Raises
    ------
    ConfigError
        For settings that do not exist or contradict each other.

    Examples
    --------
    >>> CRFFg2d(8, 24)(torch.rand(2, 8, 32, 32)).shape
    torch.Size([2, 24, 32, 32])
    >>> CRFFg2d(8, 24, kernel="matern32", scale=0.5)
    CRFFg2d(8, 24, kernel_size=3, kernel=matern32, sigma=6.33, mapping=cos)
    """

    _batch_norm = nn.BatchNorm2d

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int = 3,
        *,
        preset: str | FourierSettings = "default",
        generator: torch.Generator | None = None,
        **changes: str | float | bool | None,
    ) -> None:
        if kernel_size % 2 == 0:
            raise ConfigError(f"kernel_size is {kernel_size}; it must be odd, so that a filter has a centre.")
        settings = choose_settings(preset, changes)
        super().__init__(out_channels, (in_channels, kernel_size, kernel_size), settings, generator)
        self.in_channels, self.out_channels, self.kernel_size = in_channels, out_channels, kernel_size

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, in_channels, H, W) to features (B, out_channels, H, W)."""
        padded, padding = self._padded(self.normalize(x))
        if torch.is_autocast_enabled(x.device.type):
            projection = F.conv2d(padded, self.frequencies(), padding=padding).float()
            if self.bias is not None:
                projection = projection + self.bias.float()[:, None, None]
            return self.activate(projection).to(torch.get_autocast_dtype(x.device.type))
        projection = F.conv2d(padded, self.frequencies(), self.bias, padding=padding)
        if projection.dtype in (torch.float16, torch.bfloat16):
            raise ConfigError(
                "A CRFFg layer holds its phases in float32; run the model under torch.autocast instead of "
                "converting it to half precision."
            )
        return self.activate(projection)

    def fit_scale_(self, x: Tensor) -> None:
        """Set sigma to the median distance between patches of an input `x` (B, in_channels, H, W)."""
        with torch.no_grad():
            patches = sample_patches(self.normalize(x), self.kernel_size)
            self.set_scale_(median_scale(patches, norm=distance_norm(self.settings.kernel)))

    def fit_(self, x: Tensor, generator: torch.Generator | None = None) -> None:
        """Fit to patches of an input `x` (B, in_channels, H, W) as `settings.fit` says, see `fit_points_`."""
        if not self.fits_data:
            return
        with torch.no_grad():
            border, normalized = self.kernel_size // 2, self.normalize(x)
            if min(x.shape[-2:]) < self.kernel_size:
                normalized = F.pad(normalized, (border,) * 4, mode="replicate")
            limit = FITTED_PATCHES
            self.fit_points_(
                sample_patches(normalized, self.kernel_size, limit=limit, generator=generator), generator
            )

    def extra_repr(self) -> str:
        """Describe the layer in `print(model)`."""
        return (
            f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, "
            f"kernel={self.settings.kernel}, sigma={float(self.scale.detach()):.3g}, "
            f"mapping={self.settings.mapping}"
        )

    def _padded(self, x: Tensor) -> tuple[Tensor, int]:
        """Continue `x` beyond its border, or say by how many zeros the convolution shall do so."""
        border = self.kernel_size // 2
        mode = self.settings.padding_mode
        if mode == "none" or border == 0:
            return x, 0
        if mode == "zeros":
            return x, border
        if mode == "reflect" and min(x.shape[-2:]) <= border:
            mode = "replicate"
        return F.pad(x, (border, border, border, border), mode=mode), 0

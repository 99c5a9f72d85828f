"""Nyström features of image patches: the kernel's values at landmarks of the data, whitened."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from prismseg.base import ConfigError
from prismseg.features.normalize import Normalizer, unit_rms
from prismseg.features.scale import median_scale, sample_patches

# Patches among which landmarks are sought.
CLUSTERED_PATCHES = 2000
_LLOYD_STEPS = 20
_SMALLEST = 1e-4  # eigenvalue of the landmarks' kernel, as a share of the largest: float32 carries no smaller ones


class NystromFeatures2d(nn.Module):
    r"""Fixed features of patches of a Gaussian kernel, ``K^(-1/2) k(Z, x)`` with landmarks Z.

    For patches x and y, ``phi(x)' phi(y) = k(x, Z) K^(-1) k(Z, y)``, K the kernel matrix of the landmarks (Williams &
    Seeger 2001, "Using the Nyström method to speed up kernel machines"): exact where x or y is a landmark, while random
    Fourier features of the same kernel err everywhere by ``O(1 / sqrt(Q))``. Landmarks are centroids of patches of the
    data (Zhang, Tsang & Kwok 2008), as in convolutional kernel networks (Mairal 2016). Inputs are normalised to rms 1,
    borders reflected.

    Parameters
    ----------
    in_channels, out_channels : int
        Channels of the input, and number of landmarks Q.
    kernel_size : int
        Odd side k of the patches.

    Attributes
    ----------
    landmarks : (Q, in_channels, k, k) Parameter
        Not trained. Before `fit_` white noise, whose median distance is ``sqrt(2 n)``, n = in_channels k².
    whitening : (Q, Q) Parameter
        ``K^(-1/2)``; not trained.
    scale : scalar Tensor
        Sigma; by `fit_` the median distance between patches.

    Notes
    -----
    Shape: (B, in_channels, H, W) to (B, out_channels, H, W). Computed in float32 under autocast too, since squared
    distances are differences of large numbers.

    Examples
    --------
    >>> layer = NystromFeatures2d(8, 32)
    >>> layer.fit_(torch.rand(2, 8, 16, 16))
    >>> layer(torch.rand(1, 8, 5, 5)).shape
    torch.Size([1, 32, 5, 5])
    """

    fits_data = True
    scale: Tensor

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int = 3) -> None:
        super().__init__()
        self.rms: Normalizer = unit_rms  # another one where inputs are pieces, see prismseg.nets.skips.pieces
        if kernel_size % 2 == 0:
            raise ConfigError(f"kernel_size is {kernel_size}; it must be odd, so that a patch has a centre.")
        self.in_channels, self.out_channels, self.kernel_size = in_channels, out_channels, kernel_size
        shape = (out_channels, in_channels, kernel_size, kernel_size)
        self.landmarks = nn.Parameter(torch.empty(shape), requires_grad=False)
        self.whitening = nn.Parameter(torch.empty(out_channels, out_channels), requires_grad=False)
        self.register_buffer("scale", torch.empty(()))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw white landmarks."""
        nn.init.normal_(self.landmarks)
        self.set_landmarks_(self.landmarks.flatten(1), math.sqrt(2 * self.landmarks[0].numel()))

    def set_landmarks_(self, points: Tensor, sigma: float) -> None:
        """Set the landmarks, points (Q, in_channels k²), and the length scale."""
        with torch.no_grad():
            self.landmarks.copy_(points.reshape(self.landmarks.shape))
            self.scale.fill_(sigma)
            exact = points.double()
            kernel = torch.exp(-torch.cdist(exact, exact).square() / (2 * sigma**2))
            values, vectors = torch.linalg.eigh(kernel)
            kept = values > _SMALLEST * values[-1]
            inverse = torch.where(kept, values.clamp_min(_SMALLEST).rsqrt(), 0.0)
            self.whitening.copy_(vectors * inverse @ vectors.T)

    def fit_(self, x: Tensor, generator: torch.Generator | None = None) -> None:
        """Take landmarks and scale from the patches of an input `x` (B, in_channels, H, W).

        Landmarks are the centroids of k-means. Where there are fewer different patches than landmarks, all of them are
        landmarks, and the others stay as drawn; where there is only one, the scale stays too.
        """
        from sklearn.cluster import KMeans

        with torch.no_grad():
            patches = sample_patches(
                self._padded(unit_rms(x)), self.kernel_size, limit=CLUSTERED_PATCHES, generator=generator
            )
            different: Tensor = torch.unique(patches, dim=0).cpu()
            points, sigma = self.landmarks.flatten(1).clone().cpu(), float(self.scale)
            if len(different) > 1:
                sigma = median_scale(different, generator=generator)
            if len(different) > len(points):
                seed = int(torch.randint(2**31 - 1, (), generator=generator))
                means = KMeans(len(points), n_init=1, max_iter=_LLOYD_STEPS, random_state=seed).fit(
                    different.numpy()
                )
                points = torch.from_numpy(means.cluster_centers_)
            else:
                points[: len(different)] = different
            self.set_landmarks_(points.to(self.landmarks), sigma)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, in_channels, H, W) to features (B, out_channels, H, W)."""
        with torch.autocast(x.device.type, enabled=False):
            padded = self._padded(self.rms(x.float()))
            ones = torch.ones_like(self.landmarks[:1])
            own = self.landmarks.square().sum((1, 2, 3))[:, None, None]
            squares = F.conv2d(padded.square(), ones) - 2 * F.conv2d(padded, self.landmarks) + own
            kernel = torch.exp(-squares.clamp_min(0) / (2 * self.scale.square()))
            features: Tensor = F.conv2d(kernel, self.whitening[:, :, None, None])
        return features.to(x.dtype)

    def extra_repr(self) -> str:
        """Describe the layer in `print(model)`."""
        return f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, sigma={float(self.scale):.3g}"

    def _padded(self, x: Tensor) -> Tensor:
        border = self.kernel_size // 2
        mode = "reflect" if min(x.shape[-2:]) > border else "replicate"
        return F.pad(x, (border,) * 4, mode=mode)

"""Volumes laid out as images, their slices one below the other, and what cannot be done with them."""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor

from prismseg.base import ConfigError, ModelError


def unfold(images: Tensor, depth: int) -> Tensor:
    """Bring images (…, D H, W) to volumes (…, D, H, W)."""
    *front, rows, columns = images.shape
    return images.reshape(*front, depth, rows // depth, columns)


def fold(volumes: Tensor) -> Tensor:
    """Bring volumes (…, D, H, W) to images (…, D H, W)."""
    return volumes.flatten(-3, -2)


def enlarge_volumes(volumes: Tensor, size: tuple[int, ...]) -> Tensor:
    """Bring volumes (B, N, d, h, w) to the size (D, H, W), trilinearly with the centres of voxels aligned."""
    if tuple(volumes.shape[2:]) == tuple(size):
        return volumes
    return F.interpolate(volumes, size=size, mode="trilinear", align_corners=False)


class VolumeGrids:
    """Adapter of layers of volumes: (B, N, d, h, w) as (B, N, d h, w), and the way back to (D, H, W).

    Parameters
    ----------
    depth : int
        Slices of the volumes.
    """

    def __init__(self, depth: int) -> None:
        self.depth = depth
        self._depths: dict[tuple[int, int], int] = {}

    def __call__(self, output: Tensor, size: tuple[int, int]) -> Tensor:
        """Lay out a layer's output as an image, and remember its depth."""
        if output.ndim != 5:
            raise ModelError(f"it gives {tuple(output.shape)}, no map (B, N, d, h, w) of a volume.")
        folded = fold(output)
        grid = (folded.shape[-2], folded.shape[-1])
        if self._depths.setdefault(grid, output.shape[2]) != output.shape[2]:
            raise ModelError(
                f"it has {output.shape[2]} slices where another layer of as many voxels has {self._depths[grid]}, and "
                "they cannot be told apart."
            )
        return folded

    def shape_of(self, grid: tuple[int, int], size: tuple[int, int]) -> tuple[int, int, int]:
        """Shape (d, h, w) of maps that are laid out as `grid`, of volumes that are laid out as `size`."""
        depth = self.depth if grid == size else self._depths[grid]
        return depth, grid[0] // depth, grid[1]

    def enlarge(self, maps: Tensor, size: tuple[int, int]) -> Tensor:
        """Bring maps (B, d h, w) to the size (D H, W) of the volume, trilinearly."""
        grid = (maps.shape[-2], maps.shape[-1])
        if grid == size:
            return maps
        volumes = maps.reshape(len(maps), *self.shape_of(grid, size))
        whole = enlarge_volumes(volumes[:, None], (self.depth, size[0] // self.depth, size[1]))
        return fold(whole[:, 0])


# What is of planes: windows, blurs, contours and neighbours within a picture.
PLANAR_METHODS = ("scorecam", "occlusion", "rise", "ig")
PLANAR_REGIONS = ("boundary", "interior", "instance", "pixel")
PLANAR_FILLS = ("blur", "inpaint")


def check_volume(what: str, names: Sequence[str], planar: Sequence[str]) -> None:
    """Refuse what is of planes for volumes.

    Raises
    ------
    ConfigError
        Naming it.
    """
    if found := [name for name in names if name.partition(":")[0] in planar]:
        raise ConfigError(
            f"The {what} {', '.join(found)} {'is' if len(found) == 1 else 'are'} of planes, not of volumes; choose "
            "others."
        )

"""Random changes of training batches: where things are (image and mask alike) and how bright they are."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from prismseg.data.preparation.crops import cut, cut_moved, draw_corner
from prismseg.data.preparation.geometry import draw_geometry, move
from prismseg.data.preparation.light import change_light
from prismseg.data.preparation.settings import AUGMENTATIONS, AugmentationConfig, CropConfig


class Augmentation(nn.Module):
    """Random geometry for image and mask, and random photometry for the image; of whole images or of random crops.

    Outside its border an image is continued by its mirror image, and so is its mask: both get the same fill,
    so that every label still lies on what it labels. Images are interpolated bilinearly, masks take the nearest
    pixel, along one and the same grid. A crop is turned, scaled and bent before it is cut, so that it shows what truly
    lies beside it. Random numbers come from torch's global generators alone: the same ``torch.manual_seed`` gives the
    same batch, bit for bit on the same CPU with the same number of threads.

    Parameters
    ----------
    config : str or AugmentationConfig
        The ranges, or under which name they are registered in `prismseg.data.preparation.settings.AUGMENTATIONS`.
    crop : CropConfig, optional
        Windows to cut out of the images, one of each; by default images stay whole.

    Raises
    ------
    ConfigError
        When there is no augmentation of that name.

    Examples
    --------
    >>> augment = Augmentation(AugmentationConfig(flip=1.0))
    >>> images, masks = augment(torch.arange(4.0).reshape(1, 1, 1, 4), torch.tensor([[[0, 0, 1, 1]]]))
    >>> images.flatten().tolist(), masks.flatten().tolist()
    ([3.0, 2.0, 1.0, 0.0], [1, 1, 0, 0])
    >>> images, masks = [torch.zeros(1, 40, 50), torch.zeros(1, 60, 30)], [torch.zeros(40, 50), torch.zeros(60, 30)]
    >>> Augmentation("strong", CropConfig((32, 24)))(images, masks)[0].shape
    torch.Size([2, 1, 32, 24])
    """

    def __init__(self, config: str | AugmentationConfig = "default", crop: CropConfig | None = None) -> None:
        super().__init__()
        if isinstance(config, str):
            config = AUGMENTATIONS[config]
        self.config, self.crop = config, crop

    @torch.no_grad()
    def forward(
        self, images: Tensor | Sequence[Tensor], masks: Tensor | Sequence[Tensor]
    ) -> tuple[Tensor, Tensor]:
        """Change a batch.

        Parameters
        ----------
        images : (B, C, H, W) float, or sequence of B times (C, H, W)
            Prepared images, of any intensity scale; not changed in place. With crops they may have different sizes.
        masks : (B, H, W) int64, or sequence of B times (H, W)
            Class indices below 2^24.

        Returns
        -------
        images, masks
            Of the same shapes, types and memory format (crops: contiguous); masks hold no label they did not hold before.
        """
        layout = torch.preserve_format
        if isinstance(images, Tensor) and images.is_contiguous(memory_format=torch.channels_last):
            layout = torch.channels_last
        images, masks = self._move(images, masks)
        if self.config.photometric:
            images = change_light(images, self.config)
        return images.contiguous(memory_format=layout) if layout != torch.preserve_format else images, masks

    def _move(self, images: Tensor | Sequence[Tensor], masks: Tensor | Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        drawn = draw_geometry(self.config, len(images)) if self.config.moves else None
        if self.crop is not None:
            corners = [draw_corner(mask, self.crop) for mask in masks]
            if drawn is not None:
                return cut_moved(list(images), list(masks), corners, self.crop.size, drawn)
            windows = [cut(*case, self.crop.size) for case in zip(images, masks, corners, strict=True)]
            return torch.stack([image for image, _ in windows]), torch.stack([mask for _, mask in windows])
        if not isinstance(images, Tensor) or not isinstance(masks, Tensor):
            images, masks = torch.stack(list(images)), torch.stack(list(masks))
        return (images, masks) if drawn is None else move(images, masks, drawn)

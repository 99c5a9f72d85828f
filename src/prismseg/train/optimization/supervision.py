"""Deep supervision: the coarser levels of a decoder are trained to segment too, through heads that only training has."""

from __future__ import annotations

from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor, nn

from prismseg.base import ConfigError
from prismseg.nets import SegmentationModel
from prismseg.nets.initial import draw_weights, initialize

_HALVING = 2.0  # a level counts half as much as the next finer one (Isensee et al. 2021)


class DeepSupervision(nn.Module):
    """A network with a 1×1 head on each level of its decoder but the coarsest and the finest, which has one already.

    The heads belong to the run: the network is stored, averaged and used without them.

    Parameters
    ----------
    network : SegmentationModel
        With a decoder (`SegmentationModel.has_decoder`).
    seed : int
        Of the heads' initial weights.

    Raises
    ------
    ConfigError
        When the network's architecture has no decoder.

    Examples
    --------
    >>> import torch
    >>> from prismseg.nets import create_model
    >>> supervised = DeepSupervision(create_model("unet", width=0.25, seed=0), seed=0)
    >>> [tuple(logits.shape) for logits in supervised(torch.rand(2, 1, 40, 50))]
    [(2, 1, 40, 50), (2, 1, 40, 50), (2, 1, 40, 50)]
    """

    def __init__(self, network: SegmentationModel, seed: int) -> None:
        super().__init__()
        if not network.has_decoder:
            raise ConfigError(
                f"The architecture {network.settings.arch!r} has no decoder whose levels could be supervised; leave out "
                "--deep-supervision."
            )
        self.network = network
        self.heads = nn.ModuleList(
            nn.Conv2d(width, network.settings.classes, 1) for width in network.decoder_widths[1:-1]
        )
        draw_weights(self.heads, seed, initialize, prefix="supervision.")

    def forward(self, x: Tensor) -> list[Tensor]:
        """Logits (B, K, H, W) of images (B, C, H, W): the network's own, then those of coarser and coarser levels."""
        height, width = x.shape[-2:]
        padded, left, top = self.network.pad_to_stride(x)
        maps = self.network.decode(padded)
        logits = [self.network.classify(maps[-1])]
        for head, coarse in zip(self.heads, maps[1:-1], strict=True):
            logits.insert(1, F.interpolate(head(coarse), size=padded.shape[-2:], mode="bilinear"))
        return [each[..., top : top + height, left : left + width] for each in logits]


def supervised_loss(
    loss: Callable[[Tensor, Tensor], Tensor], logits: Tensor | list[Tensor], masks: Tensor
) -> Tensor:
    """Loss of a network's logits, or the mean over those of several levels, each weighted half as much as the one before.

    Examples
    --------
    >>> import torch
    >>> difference = lambda logits, masks: logits - masks
    >>> supervised_loss(difference, [torch.tensor(7.0), torch.tensor(1.0)], torch.tensor(0.0))
    tensor(5.)
    """
    if isinstance(logits, Tensor):
        return loss(logits.float(), masks)
    weights = [_HALVING**-level for level in range(len(logits))]
    total = sum(weight * loss(each.float(), masks) for weight, each in zip(weights, logits, strict=True))
    assert isinstance(total, Tensor)
    return total / sum(weights)

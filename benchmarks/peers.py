"""Skip layers on other people's networks: where they go, or why they cannot.

    make bench-peers

It runs in an environment of its own, since segmentation_models.pytorch needs torchvision.
"""

from __future__ import annotations

import segmentation_models_pytorch as smp
import torch
from monai.networks.nets import AttentionUnet, BasicUNet, DynUNet, UNet
from torch import nn

from prismseg.base import ModelError
from prismseg.nets import enhance_skips
from prismseg.nets.enhance import SkipLayer

PLAIN = {"encoder_weights": None, "in_channels": 1, "classes": 2}
NETWORKS = {
    "smp Unet resnet34": lambda: smp.Unet("resnet34", **PLAIN),
    "smp UnetPlusPlus resnet18": lambda: smp.UnetPlusPlus("resnet18", **PLAIN),
    "smp FPN resnet34": lambda: smp.FPN("resnet34", **PLAIN),
    "smp DeepLabV3Plus resnet18": lambda: smp.DeepLabV3Plus("resnet18", **PLAIN),
    "smp Linknet mobilenet_v2": lambda: smp.Linknet("mobilenet_v2", **PLAIN),
    "smp PSPNet resnet18": lambda: smp.PSPNet("resnet18", **PLAIN),
    "MONAI BasicUNet": lambda: BasicUNet(spatial_dims=2, in_channels=1, out_channels=2),
    "MONAI UNet": lambda: UNet(2, 1, 2, channels=(16, 32, 64, 128), strides=(2, 2, 2), num_res_units=2),
    "MONAI DynUNet": lambda: DynUNet(2, 1, 2, [3] * 4, [1, 2, 2, 2], [2] * 3),
    "MONAI AttentionUnet": lambda: AttentionUnet(2, 1, 2, channels=(8, 16, 32), strides=(2, 2)),
}


def parameters(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def main() -> None:
    print(f"torch {torch.__version__}, segmentation_models_pytorch {smp.__version__}\n")
    print("| network | skip layers (channels) | parameters before | after | gradient reaches all |")
    print("|---|---|---|---|---|")
    for name, build in NETWORKS.items():
        network, example = build(), torch.rand(2, 1, 64, 64)
        try:
            enhanced = enhance_skips(network, example, multiplier=3)
        except ModelError as error:
            print(f"| {name} | none: {str(error)[:160]} | {parameters(network):,} | | |")
            continue
        layers = [module for module in enhanced.modules() if isinstance(module, SkipLayer)]
        enhanced(example).square().sum().backward()
        learns = all(
            parameter.grad is not None
            for layer in layers
            for parameter in layer.parameters()
            if parameter.requires_grad
        )
        channels = ", ".join(str(layer.layer.in_channels) for layer in layers)
        print(
            f"| {name} | {len(layers)} ({channels}) | {parameters(network):,} | {parameters(enhanced):,} | "
            f"{'yes' if learns else 'no'} |"
        )


if __name__ == "__main__":
    main()

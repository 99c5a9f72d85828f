"""Skip layers on other people's networks: where they go, or why they cannot.

    make bench-peers

It runs in an environment of its own, since segmentation_models.pytorch needs torchvision.
"""

from __future__ import annotations

import monai
import segmentation_models_pytorch as smp
import torch
from monai.networks.nets import AttentionUnet, BasicUNet, DynUNet, FlexibleUNet, SegResNet, UNet, VNet
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
    "smp Unet mit_b0": lambda: smp.Unet("mit_b0", **(PLAIN | {"in_channels": 3})),
    "smp Linknet mobilenet_v2": lambda: smp.Linknet("mobilenet_v2", **PLAIN),
    "smp PSPNet resnet18": lambda: smp.PSPNet("resnet18", **PLAIN),
    "MONAI BasicUNet": lambda: BasicUNet(spatial_dims=2, in_channels=1, out_channels=2),
    "MONAI UNet": lambda: UNet(2, 1, 2, channels=(16, 32, 64, 128), strides=(2, 2, 2), num_res_units=2),
    "MONAI DynUNet": lambda: DynUNet(2, 1, 2, [3] * 4, [1, 2, 2, 2], [2] * 3),
    "MONAI AttentionUnet": lambda: AttentionUnet(2, 1, 2, channels=(8, 16, 32), strides=(2, 2)),
    "MONAI FlexibleUNet": lambda: FlexibleUNet(1, 2, "resnet18", spatial_dims=2),
    "MONAI VNet": lambda: VNet(2, 1, 2),
    "MONAI SegResNet": lambda: SegResNet(2, 8, 1, 2),
}


def parameters(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def main() -> None:
    print(f"torch {torch.__version__}, segmentation_models_pytorch {smp.__version__}, monai {monai.__version__}\n")
    print("| network | where the layers went (channels) | parameters before | after | output | all learn |")
    print("|---|---|---|---|---|---|")
    refused = []
    for name, build in NETWORKS.items():
        network = build()
        example = torch.rand(2, 3 if "mit_b" in name else 1, 64, 64)
        try:
            enhanced = enhance_skips(network, example, multiplier=3)
        except ModelError as error:
            print(f"| {name} | none | {parameters(network):,} | | | |")
            refused.append(f"{name}: {error}")
            continue
        layers = {path: module for path, module in enhanced.named_modules() if isinstance(module, SkipLayer)}
        output = enhanced(example)
        output.square().sum().backward()
        trained = [p for layer in layers.values() for p in layer.parameters() if p.requires_grad]
        learn = all(parameter.grad is not None for parameter in trained)
        places = ", ".join(f"{path} ({layer.layer.in_channels})" for path, layer in layers.items())
        print(
            f"| {name} | {places} | {parameters(network):,} | {parameters(enhanced):,} | {tuple(output.shape)} | "
            f"{'yes' if learn else 'no'} |"
        )
    print("\n" + "\n\n".join(refused))


if __name__ == "__main__":
    main()

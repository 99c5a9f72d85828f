"""Atlases of other people's networks, and our maps beside those of grad-cam.

make bench-peers
"""

from __future__ import annotations

import time

import numpy as np
import torch
from peers import NETWORKS
from pytorch_grad_cam import GradCAM, GradCAMPlusPlus, HiResCAM, LayerCAM, XGradCAM
from torch import nn

from prismseg.explain import Atlas
from prismseg.nets import create_model

THEIRS = {
    "gradcam": GradCAM,
    "gradcam++": GradCAMPlusPlus,
    "layercam": LayerCAM,
    "hirescam": HiResCAM,
    "xgradcam": XGradCAM,
}
LAYERS = ("encoder.0.first.0", "encoder.2.second.0", "bottleneck.first.0", "skips.1", "decoder.3.first.0")


class ClassMean:
    """The score that prismseg explains, as grad-cam takes it."""

    def __init__(self, mask: torch.Tensor, cls: int) -> None:
        self.region, self.cls = (mask == cls).float(), cls

    def __call__(self, output: torch.Tensor) -> torch.Tensor:
        return (output[self.cls] * self.region).sum() / (self.region.sum() + 1e-7)


def scene(channels: int, classes: int) -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    images = torch.rand(2, channels, 64, 64)
    masks = nn.functional.interpolate(torch.randint(0, classes, (2, 1, 8, 8)).float(), size=(64, 64))[:, 0].long()
    return images, masks


def scale_to_unit(maps: np.ndarray) -> np.ndarray:
    low, high = maps.min((1, 2), keepdims=True), maps.max((1, 2), keepdims=True)
    return (maps - low) / np.maximum(high - low, 1e-30)


def foreign_networks() -> None:
    print(
        "| network | layers explained | left out | seconds for 2 images, all layers, 2 classes | lift over layers |"
    )
    print("|---|---|---|---|---|")
    for name, build in NETWORKS.items():
        torch.manual_seed(0)
        images, masks = scene(3 if "mit_b" in name else 1, 2)
        atlas = Atlas(build(), methods=("gradcam", "layercam"), region="truth")
        start = time.perf_counter()
        atlas.update(images, masks)
        taken = time.perf_counter() - start
        summary = atlas.summary()
        lift = summary.query("layer == '(mean)' and measure == 'lift' and method == 'layercam'")["mean"]
        print(f"| {name} | {len(atlas.layers)} | {len(atlas.left_out)} | {taken:.2f} | {lift.mean():.2f} |")


def beside_grad_cam() -> None:
    print("\n| method | layer | largest difference, of 1 |\n|---|---|---|")
    torch.manual_seed(0)
    model = create_model("unet", "crffg", multiplier=3, classes=2).eval()
    images, masks = scene(1, 2)
    maps = Atlas(model, LAYERS, tuple(THEIRS), region="truth").maps(images, masks)
    for method, theirs in THEIRS.items():
        for layer in LAYERS:
            with theirs(model=model, target_layers=[model.get_submodule(layer)]) as cam:
                cams = cam(input_tensor=images, targets=[ClassMean(mask, 1) for mask in masks])
            difference = float(np.abs(scale_to_unit(maps[method, layer, 1].numpy()) - cams).max())
            print(f"| {method} | {layer} | {difference:.1e} |")


def main() -> None:
    foreign_networks()
    beside_grad_cam()


if __name__ == "__main__":
    main()

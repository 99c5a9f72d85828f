"""Networks with a pretrained encoder are explained like any other, its layers under their names."""

import torch

from prismseg.explain import Atlas
from prismseg.nets import create_model


def test_every_layer_of_the_encoder_has_maps():
    model = create_model("unet", encoder="efficientnet_lite0", width=0.25, classes=3, seed=0)
    images = torch.randn(2, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    model(images)  # running statistics
    maps = Atlas(model.eval(), "all", ("layercam", "hirescam"), "prediction").maps(images)
    layers = list(dict.fromkeys(layer for _, layer, _ in maps))
    assert layers[:4] == [
        "encoder.stem:act", "encoder.stages.0.0.depthwise:act", "encoder.stages.0.0.project",
        "encoder.stages.1.0.expand:act",
    ]  # fmt: skip
    encoder = [layer for layer in layers if layer.startswith("encoder.")]
    assert len(encoder) == 48 and layers[-1] == "head"
    assert all(torch.isfinite(values).all() for values in maps.values())

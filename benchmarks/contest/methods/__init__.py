"""The contestants, a line each. To add one, register it in `METHODS`; nothing else lists them."""

from typing import Final

from contest.methods.method import Method
from prismseg.base.registry import Registry

METHODS: Final[Registry[Method]] = Registry("method of the contest")
METHODS.register("prismseg", "contest.methods.ours:TRAINED", summary="`prismseg train`, with its defaults")
METHODS.register("instant", "contest.methods.ours:INSTANT", summary="`prismseg instant`, with its defaults")
METHODS.register("both", "contest.methods.ours:BOTH", summary="an ensemble of these two")
METHODS.register(
    "attention", "contest.methods.ours:ATTENTION", summary="the first of these with attention in its network"
)
METHODS.register(
    "smp",
    "contest.methods.smp:PRETRAINED",
    summary="U-Net of segmentation_models_pytorch, EfficientNet-Lite0 with ImageNet weights",
)
METHODS.register("smp-random", "contest.methods.smp:RANDOM", summary="the same U-Net with random weights")
METHODS.register("nnunet", "contest.methods.dynunet:DYNUNET", summary="MONAI's DynUNet with nnU-Net's 2-D recipe")
METHODS.register(
    "forest", "contest.methods.forest:FOREST", summary="random forest on frozen ImageNet features, as Convpaint"
)
METHODS.register(
    "boosting", "contest.methods.forest:BOOSTING", summary="gradient-boosted trees on the same frozen features"
)

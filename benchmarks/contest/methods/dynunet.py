"""MONAI's DynUNet with the recipe of nnU-Net (Isensee et al. 2021, Nature Methods 18, 203; 2-D configuration).

From nnU-Net are: the plan of the network (levels down to 4 x 4, filters doubled to at most 512, instance normalisation,
leaky ReLU, deep supervision), SGD 1e-2 with Nesterov momentum 0.99 and weight decay 3e-5, polynomial decay, Dice and
cross-entropy, gradients clipped at 12, its augmentation, images to mean 0 and deviation 1, and the prediction averaged
over both mirrors. Width and batch are `CHOICES`. It trains on all images that it gets, as nnU-Net's "fold all" does, and
keeps its last weights, as nnU-Net does. nnU-Net trains 250,000 steps; here it gets as many as `STEPS` says, and the
curve shows whether that is enough.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from contest.methods.method import Cost, Method
from contest.methods.network import Training, make_segmenter, train_network
from contest.task import Fitted, Task
from prismseg.base import ConfigError, DataError
from prismseg.data import IGNORE

STEPS = 800
# First width, batch, and factor on the steps.
_FORMS = {
    "width 16, batch 4": (16, 4, 1.0),
    "width 32, batch 4": (32, 4, 1.0),
    "width 32, batch 12": (32, 12, 0.5),
}
CHOICES = {
    "width 16, batch 4": "a preset for little time: half as wide, small batches",
    "width 32, batch 4": "nnU-Net's width, small batches",
    "width 32, batch 12": "nnU-Net's width and batch, half the steps",
}
_POWER = 0.9  # of the polynomial decay


def fit_dynunet(task: Task) -> Fitted:
    """Train DynUNet."""
    try:
        from monai.losses import DeepSupervisionLoss, DiceCELoss
        from monai.networks.nets import DynUNet
    except ImportError as error:
        raise ConfigError("MONAI is not installed: pip install -r benchmarks/requirements-peers.txt") from error
    torch.manual_seed(task.seed)
    width, batch, longer = _FORMS[task.choice]
    preprocess = task.preprocess("zscore")
    levels = min(6, int(np.log2(task.size / 4)) + 1)
    network = DynUNet(
        2, preprocess.channels, task.classes, [3] * levels, [1] + [2] * (levels - 1), [2] * (levels - 1),
        filters=[min(512, width * 2**level) for level in range(levels)],
        norm_name=("INSTANCE", {"affine": True}), deep_supervision=True, deep_supr_num=min(3, levels - 2),
    )  # fmt: skip
    if any((task.data[case].mask == IGNORE).any() for case in range(len(task.data))):
        raise DataError(f"{task.data.root} has pixels that are to be left out, which MONAI's loss cannot.")
    criterion = DeepSupervisionLoss(
        DiceCELoss(softmax=True, to_onehot_y=True, batch=True, include_background=False)
    )
    training = Training(
        network=network,
        preprocess=preprocess,
        normalize=lambda images: images,
        augment=_make_augmentation(task.seed),
        loss=lambda output, masks: criterion(list(output.unbind(1)), masks[:, None].float()),
        optimizer=torch.optim.SGD(network.parameters(), lr=1e-2, momentum=0.99, nesterov=True, weight_decay=3e-5),
        decay=lambda share: (1 - min(share, 1)) ** _POWER,
        batch=batch,
        steps=round(STEPS * longer),
        clip=12,
        predict=_predict_mirrored,
    )
    steps = train_network(task, training)
    return Fitted(make_segmenter(network, training, task.device), steps)


def _predict_mirrored(network: nn.Module, images: Tensor) -> Tensor:
    """Logs of the probabilities averaged over both mirrors."""
    total = torch.zeros(())
    for turned in ((), (2,), (3,), (2, 3)):
        total = total + network(images.flip(turned)).softmax(1).flip(turned)
    return (total / 4).clamp_min(1e-12).log()


def _make_augmentation(seed: int):  # type: ignore[no-untyped-def]
    from monai.transforms import (
        Compose,
        RandAdjustContrastd,
        RandFlipd,
        RandGaussianNoised,
        RandGaussianSmoothd,
        RandRotated,
        RandScaleIntensityd,
        RandSimulateLowResolutiond,
        RandZoomd,
    )

    keys, modes = ["image", "label"], ["bilinear", "nearest"]
    augment = Compose(
        [
            RandRotated(keys, range_x=np.pi, prob=0.2, mode=modes, padding_mode="zeros"),
            RandZoomd(keys, prob=0.2, min_zoom=0.7, max_zoom=1.4, mode=modes, padding_mode="constant"),
            RandGaussianNoised(["image"], prob=0.1, std=0.1),
            RandGaussianSmoothd(["image"], prob=0.2, sigma_x=(0.5, 1.0), sigma_y=(0.5, 1.0)),
            RandScaleIntensityd(["image"], prob=0.15, factors=0.25),
            RandSimulateLowResolutiond(["image"], prob=0.25, upsample_mode="bilinear", zoom_range=(0.5, 1.0)),
            RandAdjustContrastd(["image"], prob=0.3, gamma=(0.7, 1.5)),
            RandFlipd(keys, prob=0.5, spatial_axis=0),
            RandFlipd(keys, prob=0.5, spatial_axis=1),
        ]
    ).set_random_state(seed)

    def alter(images: Tensor, masks: Tensor) -> tuple[Tensor, Tensor]:
        pairs = [
            augment({"image": image, "label": mask[None].float()})
            for image, mask in zip(images, masks, strict=True)
        ]
        altered = torch.stack([torch.as_tensor(pair["image"]) for pair in pairs])
        truth = torch.stack([torch.as_tensor(pair["label"]) for pair in pairs])
        return altered, truth[:, 0].long()

    return alter


DYNUNET = Method(
    fit_dynunet,
    "nnU-Net's 2-D recipe: plan, SGD 1e-2 with momentum 0.99 and polynomial decay, Dice and cross-entropy with deep "
    "supervision, its augmentation, mirrored prediction; all images for training, last weights",
    cost=Cost(setup=2, step=0.4, prediction=0.25),
    steps=STEPS,
    choices=CHOICES,
    packages=("torch", "monai"),
)

"""Losses and metrics against MONAI, torchmetrics and scikit-learn."""

import numpy as np
import pytest
import torch
from monai.losses import DiceLoss, FocalLoss, TverskyLoss
from monai.losses.unified_focal_loss import AsymmetricFocalLoss, AsymmetricFocalTverskyLoss
from monai.metrics import compute_dice, compute_hausdorff_distance, compute_iou
from scipy import ndimage
from sklearn.metrics import f1_score, jaccard_score, precision_score, recall_score
from torch.nn import functional as F
from torchmetrics.functional.classification import binary_specificity
from torchmetrics.functional.segmentation import dice_score

from prismseg.evaluation.metrics import case_metrics
from prismseg.train.optimization.losses import create_loss

CLASSES = ["background", "nerve", "vessel"]


def blobs(rng, size=(60, 80), classes=3):
    smooth = ndimage.gaussian_filter(rng.standard_normal(size), 4)
    return np.digitize(smooth, np.quantile(smooth, np.linspace(0, 1, classes + 1)[1:-1])).astype(np.uint8)


def pairs(count=12):
    """Masks and noisy copies of them, from nearly right to unrelated."""
    rng = np.random.default_rng(0)
    for number in range(count):
        truth = blobs(rng)
        noise = rng.random(truth.shape) < number / (2 * count)
        yield np.where(noise, blobs(rng), np.roll(truth, number, axis=1)), truth


def value(found, truth, name, metric):
    rows = case_metrics(found, truth, CLASSES)
    return next(row["value"] for row in rows if (row["class"], row["metric"]) == (name, metric))


def one_hot(mask):
    return F.one_hot(torch.from_numpy(mask).long(), len(CLASSES)).movedim(-1, 0)[None]


@pytest.mark.parametrize("label", [1, 2])
def test_overlaps_agree_with_scikit_learn(label):
    ours = {"dice": f1_score, "jaccard": jaccard_score, "sensitivity": recall_score, "precision": precision_score}
    for found, truth in pairs():
        for metric, theirs in ours.items():
            expected = theirs(truth.ravel() == label, found.ravel() == label)
            assert value(found, truth, CLASSES[label], metric) == pytest.approx(expected, abs=1e-12)
        expected = recall_score(truth.ravel() != label, found.ravel() != label)
        assert value(found, truth, CLASSES[label], "specificity") == pytest.approx(expected, abs=1e-12)


def test_dice_and_jaccard_agree_with_monai():
    for found, truth in pairs():
        dice = compute_dice(one_hot(found), one_hot(truth), include_background=False)[0]
        jaccard = compute_iou(one_hot(found), one_hot(truth), include_background=False)[0]
        for column, name in enumerate(CLASSES[1:]):
            assert value(found, truth, name, "dice") == pytest.approx(dice[column].item(), abs=1e-6)
            assert value(found, truth, name, "jaccard") == pytest.approx(jaccard[column].item(), abs=1e-6)


def test_dice_and_specificity_agree_with_torchmetrics():
    for found, truth in pairs():
        dice = dice_score(one_hot(found), one_hot(truth), num_classes=3, include_background=False, average="none")[
            0
        ]
        for column, name in enumerate(CLASSES[1:]):
            assert value(found, truth, name, "dice") == pytest.approx(dice[column].item(), abs=1e-6)
            specificity = binary_specificity(
                torch.from_numpy(found == column + 1).int(), torch.from_numpy(truth == column + 1).int()
            )
            assert value(found, truth, name, "specificity") == pytest.approx(specificity.item(), abs=1e-6)


def test_hausdorff_agrees_with_monai():
    for found, truth in pairs():
        expected = compute_hausdorff_distance(
            one_hot(found), one_hot(truth), include_background=False, percentile=95
        )[0]
        for column, name in enumerate(CLASSES[1:]):
            assert value(found, truth, name, "hd95") == pytest.approx(expected[column].item(), rel=1e-5)


def test_where_masks_are_empty_monai_drops_the_case_and_we_do_not():
    """Documented difference: MONAI gives NaN (left out of its means) and, without ignore_empty, 1 and 0."""
    empty, full = np.zeros((1, 8, 8), np.uint8), np.zeros((1, 8, 8), np.uint8)
    full[0, 2:5, 2:5] = 1
    both = [(empty, empty, 1.0), (full, empty, 0.0), (empty, full, 0.0)]
    for found, truth, expected in both:
        ours = value(found[0], truth[0], "nerve", "dice")
        tensors = torch.from_numpy(found)[None], torch.from_numpy(truth)[None]
        assert ours == expected
        assert compute_dice(*tensors, ignore_empty=False).item() == expected
        dropped = compute_dice(*tensors).isnan().item()
        assert dropped == (not truth.any())
    infinite = compute_hausdorff_distance(
        torch.from_numpy(empty)[None], torch.from_numpy(full)[None], include_background=True, percentile=95
    )
    assert not torch.isfinite(infinite).all()
    assert value(empty[0], full[0], "nerve", "hd95") == pytest.approx(8 * 2**0.5)


def test_where_both_are_empty_scikit_learn_and_torchmetrics_say_0():
    empty = np.zeros((8, 8), np.uint8)
    assert f1_score(empty.ravel(), empty.ravel(), zero_division=0) == 0
    assert value(empty, empty, "nerve", "dice") == 1


def random_batch(classes, seed=0):
    torch.manual_seed(seed)
    return torch.randn(3, classes, 24, 20), torch.randint(0, max(classes, 2), (3, 24, 20))


def test_dice_loss_agrees_with_monai():
    for classes in (1, 4):
        logits, target = random_batch(classes)
        theirs = DiceLoss(
            sigmoid=classes == 1, softmax=classes > 1, to_onehot_y=classes > 1, smooth_nr=1, smooth_dr=1
        )
        torch.testing.assert_close(create_loss("dice", classes)(logits, target), theirs(logits, target[:, None]))


def test_tversky_loss_agrees_with_monai():
    for classes in (1, 4):
        logits, target = random_batch(classes)
        theirs = TverskyLoss(
            sigmoid=classes == 1, softmax=classes > 1, to_onehot_y=classes > 1,
            alpha=0.3, beta=0.7, smooth_nr=1, smooth_dr=1,
        )  # fmt: skip
        torch.testing.assert_close(
            create_loss("tversky", classes)(logits, target), theirs(logits, target[:, None])
        )


def test_cross_entropy_agrees_with_torch():
    logits, target = random_batch(4)
    torch.testing.assert_close(create_loss("ce", 4)(logits, target), F.cross_entropy(logits, target))
    logits, target = random_batch(1)
    expected = F.binary_cross_entropy_with_logits(logits[:, 0], target.float())
    torch.testing.assert_close(create_loss("ce", 1)(logits, target), expected)


def test_focal_loss_agrees_with_monai():
    logits, target = random_batch(1)
    torch.testing.assert_close(
        create_loss("focal", 1)(logits, target), FocalLoss(gamma=2)(logits, target[:, None])
    )
    logits, target = random_batch(4)
    # MONAI averages over the classes as well, of which all but the true one are zero.
    theirs = 4 * FocalLoss(gamma=2, use_softmax=True, to_onehot_y=True)(logits, target[:, None])
    torch.testing.assert_close(create_loss("focal", 4)(logits, target), theirs)


def test_unified_focal_loss_agrees_with_monais_parts():
    logits, target = random_batch(2)
    probability, truth = torch.softmax(logits, 1), F.one_hot(target, 2).movedim(-1, 1).float()
    # MONAI clamps probabilities to its epsilon, so its Tversky index is given eps = 1 by hand.
    focal = AsymmetricFocalLoss(delta=0.6, gamma=0.5)(probability, truth)
    tversky = AsymmetricFocalTverskyLoss(delta=0.6, gamma=0.5)(probability, truth)
    ours = create_loss("unified_focal", 2)(logits, target)
    torch.testing.assert_close(ours, 0.5 * focal + 0.5 * tversky, atol=2e-3, rtol=0)
    torch.testing.assert_close(_with_small_eps(logits, target), 0.5 * focal + 0.5 * tversky)


def _with_small_eps(logits, target):
    from prismseg.train.optimization import losses

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(losses, "SMOOTH", 1e-7)
        return losses.unified_focal_loss(logits, target)

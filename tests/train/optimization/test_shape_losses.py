"""Losses of shape by hand: rows of pixels, bars with a gap."""

import numpy as np
import pytest
import torch
from scipy.ndimage import distance_transform_edt as edt
from skimage.morphology import skeletonize

from prismseg.train.optimization.losses import create_loss
from prismseg.train.optimization.shape_losses import boundary_term, soft_cldice, soft_skeleton


def logit(probabilities):
    p = torch.as_tensor(probabilities, dtype=torch.float32)
    return torch.log(p / (1 - p))


def row(values):
    return torch.tensor(values).reshape(1, 1, -1)


def test_the_boundary_term_by_hand():
    p, m = (0.9, 0.6, 0.2, 0.1), (1, 0, 1, 0)
    # Each pixel is 1 away from the other kind: (.1 + .6 + .8 + .1) / 4, over sqrt(4).
    assert boundary_term(logit(p).reshape(1, 1, 1, 4), row(m)).item() == pytest.approx(0.2, abs=1e-6)
    # 1 1 1 0 0 0: distances -3 -2 -1 1 2 3; only the outermost pixel is wrong, by .5.
    p, m = (1 - 1e-6, 1 - 1e-6, 1 - 1e-6, 1e-6, 1e-6, 0.5), (1, 1, 1, 0, 0, 0)
    far = boundary_term(logit(p).reshape(1, 1, 1, 6), row(m)).item()
    assert far == pytest.approx(0.5 * 3 / 6 / np.sqrt(6), abs=1e-5)
    p = (1 - 1e-6, 1 - 1e-6, 1 - 1e-6, 0.5, 1e-6, 1e-6)
    near = boundary_term(logit(p).reshape(1, 1, 1, 6), row(m)).item()
    assert near == pytest.approx(far / 3, abs=1e-5), "a third of the distance, a third of the cost"


def test_the_boundary_loss_is_the_sum_and_has_the_gradient_of_the_original():
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(2, 3, 6, 7, generator=generator).requires_grad_()
    target = torch.randint(0, 3, (2, 6, 7), generator=generator)
    total = create_loss("boundary", 3)(logits, target)
    torch.testing.assert_close(total, create_loss("dice_ce", 3)(logits, target) + boundary_term(logits, target))
    found = torch.autograd.grad(boundary_term(logits, target), logits)[0]
    distances = np.stack([[edt(t != k) - edt(t == k) for k in (1, 2)] for t in target.numpy()])
    original = (torch.softmax(logits, 1)[:, 1:] * torch.from_numpy(distances).float()).sum() / 2 / 2 / 42**1.5
    torch.testing.assert_close(found, torch.autograd.grad(original, logits)[0], rtol=1e-4, atol=1e-7)


def test_a_class_that_is_absent_or_fills_the_image_has_no_contour():
    logits = torch.randn(1, 1, 5, 5)
    for label in (0, 1):
        assert boundary_term(logits, torch.full((1, 5, 5), label)).item() == 0


def bar(gap=None, columns=range(2, 11)):
    mask = torch.zeros(1, 1, 7, 13)
    mask[..., 2:5, list(columns)] = 1
    if gap is not None:
        mask[..., gap] = 0
    return mask


def test_the_skeleton_of_a_bar_is_its_middle_line():
    valid = torch.ones(1, 1, 7, 13, dtype=torch.bool)
    skeleton = soft_skeleton(bar(), valid)[0, 0]
    expected = torch.zeros(7, 13)
    expected[3, 3:10] = 1
    assert torch.equal(skeleton, expected)
    # It lies in the mask and touches what another thinning finds.
    other = skeletonize(bar()[0, 0].numpy() > 0)
    assert (skeleton.numpy()[other] > 0).mean() > 0.7


def test_cldice_by_hand():
    truth = bar()[:, 0].long()
    sure = lambda mask: mask * 60 - 30  # noqa: E731
    # Two bars of 3 x 4: skeletons of 2 pixels each, all in the mask. The true line of 7 loses the one in the gap.
    gap = soft_cldice(sure(bar(gap=6)), truth).item()
    sensitivity = (6 + 1) / (7 + 1)
    assert gap == pytest.approx(2 * sensitivity / (1 + sensitivity), abs=1e-5)
    # The same three pixels from the end of the bar break nothing.
    assert soft_cldice(sure(bar(columns=range(2, 10))), truth).item() == pytest.approx(1, abs=1e-5)
    loss = create_loss("cldice", 1)
    parts = create_loss("ce", 1)(sure(bar(gap=6)), truth) + create_loss("dice", 1)(sure(bar(gap=6)), truth) / 2
    assert loss(sure(bar(gap=6)), truth).item() == pytest.approx(parts.item() + (1 - gap) / 2, abs=1e-5)


def test_it_is_trained_by_gradients():
    truth = bar()[:, 0].long()
    logits = (bar(gap=6) * 4 - 2).requires_grad_()
    (1 - soft_cldice(logits, truth)).backward()
    assert (logits.grad[0, 0, 3, 6] < 0).item(), "the gap is to be closed"
    assert (logits.grad[0, 0, [2, 4], 6].abs() < 1e-6).all(), "its width costs nothing"

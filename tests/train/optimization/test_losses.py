import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from prismseg.base import ConfigError, ModelError
from prismseg.train.optimization.losses import IGNORE, create_loss
from prismseg.train.registries import LOSSES


def logit(*probabilities):
    p = torch.tensor(probabilities)
    return torch.log(p / (1 - p))


# One image of 1 x 4 pixels; foreground probabilities and truth of the binary examples.
P, M = (0.9, 0.6, 0.2, 0.1), (1, 0, 1, 0)
BINARY = logit(*P).reshape(1, 1, 1, 4)
TRUTH = torch.tensor(M).reshape(1, 1, 4)

# One image of 1 x 2 pixels and three classes, softmax probabilities by column.
Q = torch.tensor([[0.7, 0.1], [0.2, 0.3], [0.1, 0.6]])
MULTI = torch.log(Q).reshape(1, 3, 1, 2)
LABELS = torch.tensor([[[0, 2]]])


def batch(classes, count=3, size=(5, 6), seed=0):
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(count, classes, *size, generator=generator)
    target = torch.randint(0, max(classes, 2), (count, *size), generator=generator)
    return logits, target


def test_dice_of_a_binary_image_by_hand():
    # overlap .9 + .2 = 1.1, predicted 1.8, true 2
    assert create_loss("dice", 1)(BINARY, TRUTH).item() == pytest.approx(1 - (2.2 + 1) / (3.8 + 1), abs=1e-6)


def test_dice_of_three_classes_by_hand():
    # per class: overlap .7, 0, .6; predicted .8, .5, .7; true 1, 0, 1
    expected = 1 - ((1.4 + 1) / 2.8 + 1 / 1.5 + (1.2 + 1) / 2.7) / 3
    assert create_loss("dice", 3)(MULTI, LABELS).item() == pytest.approx(expected, abs=1e-6)


def test_dice_is_taken_per_image_before_the_mean():
    second = torch.zeros_like(BINARY), torch.zeros_like(TRUTH)
    both = torch.cat([BINARY, second[0]]), torch.cat([TRUTH, second[1]])
    single = create_loss("dice", 1)
    assert single(*both) == pytest.approx((single(BINARY, TRUTH) + single(*second)).item() / 2)
    assert single(*second).item() == pytest.approx(1 - 1 / 3)


def test_cross_entropy_by_hand():
    binary = -(math.log(0.9) + math.log(0.4) + math.log(0.2) + math.log(0.9)) / 4
    assert create_loss("ce", 1)(BINARY, TRUTH).item() == pytest.approx(binary, abs=1e-6)
    assert create_loss("ce", 3)(MULTI, LABELS).item() == pytest.approx(
        -(math.log(0.7) + math.log(0.6)) / 2, abs=1e-6
    )


def test_dice_plus_cross_entropy_is_their_sum():
    for classes, arguments in ((1, (BINARY, TRUTH)), (3, (MULTI, LABELS))):
        parts = create_loss("dice", classes)(*arguments) + create_loss("ce", classes)(*arguments)
        assert create_loss("dice_ce", classes)(*arguments) == pytest.approx(parts.item())


def test_focal_by_hand():
    binary = -(0.1**2 * math.log(0.9) * 2 + 0.6**2 * math.log(0.4) + 0.8**2 * math.log(0.2)) / 4
    assert create_loss("focal", 1)(BINARY, TRUTH).item() == pytest.approx(binary, abs=1e-6)
    multi = -(0.3**2 * math.log(0.7) + 0.4**2 * math.log(0.6)) / 2
    assert create_loss("focal", 3)(MULTI, LABELS).item() == pytest.approx(multi, abs=1e-6)


def test_tversky_by_hand():
    # hits 1.1, false alarms .6 + .1, misses .1 + .8
    expected = 1 - (1.1 + 1) / (1.1 + 0.3 * 0.7 + 0.7 * 0.9 + 1)
    assert create_loss("tversky", 1)(BINARY, TRUTH).item() == pytest.approx(expected, abs=1e-6)


def test_tversky_forgives_a_false_alarm_sooner_than_a_miss():
    truth = torch.tensor([[[1, 1, 0, 0]]])
    alarm = logit(0.99, 0.99, 0.99, 0.01).reshape(1, 1, 1, 4)
    miss = logit(0.99, 0.01, 0.01, 0.01).reshape(1, 1, 1, 4)
    loss = create_loss("tversky", 1)
    assert loss(alarm, truth) < loss(miss, truth)


def test_unified_focal_by_hand():
    # Tversky index with delta = .6 on misses: foreground hits 1.1, misses .9, alarms .7; background hits 1.3,
    # misses .7, alarms .9.
    foreground = (1.1 + 1) / (1.1 + 0.6 * 0.9 + 0.4 * 0.7 + 1)
    background = (1.3 + 1) / (1.3 + 0.6 * 0.7 + 0.4 * 0.9 + 1)
    tversky = ((1 - background) + (1 - foreground) ** 0.5) / 2
    focal_foreground = -0.6 * (math.log(0.9) + math.log(0.2))
    focal_background = -0.4 * (0.6**0.5 * math.log(0.4) + 0.1**0.5 * math.log(0.9))
    focal = (focal_foreground + focal_background) / 4 / 2
    loss = create_loss("unified_focal", 1)(BINARY, TRUTH)
    assert loss.item() == pytest.approx(0.5 * tversky + 0.5 * focal, abs=1e-6)


@pytest.mark.parametrize("name", ["ce", "focal", "unified_focal"])
def test_one_logit_is_two_logits_of_which_one_is_zero(name):
    logits, target = batch(1)
    two = torch.cat([torch.zeros_like(logits), logits], dim=1)
    torch.testing.assert_close(create_loss(name, 1)(logits, target), create_loss(name, 2)(two, target))


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("classes", [1, 2, 4])
def test_a_perfect_prediction_costs_nothing_and_a_wrong_one_much(name, classes):
    _, target = batch(classes)
    sure = F.one_hot(target, max(classes, 2)).movedim(-1, 1).float() * 60 - 30
    if classes == 1:
        sure = sure[:, 1:]
    loss = create_loss(name, classes)
    assert 0 <= loss(sure, target) < 1e-3
    assert loss(-sure, target) > 0.2


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("classes", [1, 3])
def test_ignored_pixels_count_nowhere(name, classes):
    logits, target = batch(classes)
    target[:, :, :2] = IGNORE
    other = logits.clone()
    other[..., :2] = 1000
    loss = create_loss(name, classes)
    torch.testing.assert_close(loss(logits, target), loss(other, target))
    torch.testing.assert_close(loss(logits, target), loss(logits[..., 2:], target[..., 2:]))
    logits.requires_grad_()
    loss(logits, target).backward()
    assert torch.equal(logits.grad[..., :2], torch.zeros_like(logits.grad[..., :2]))


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("classes", [1, 3])
def test_an_image_of_ignored_pixels_alone_is_no_trouble(name, classes):
    logits, target = batch(classes)
    logits.requires_grad_()
    loss = create_loss(name, classes)(logits, torch.full_like(target, IGNORE))
    loss.backward()
    assert loss.item() == pytest.approx(0, abs=1e-3)
    assert torch.equal(logits.grad, torch.zeros_like(logits))


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("classes", [1, 3])
def test_empty_masks_give_a_gradient_that_empties_the_prediction(name, classes):
    target = torch.zeros(2, 32, 32, dtype=torch.int64)
    torch.manual_seed(0)
    logits = torch.randn(2, classes, 32, 32).requires_grad_()
    loss = create_loss(name, classes)
    loss(logits, target).backward()
    foreground = logits.grad[:, -1]
    assert torch.isfinite(logits.grad).all()
    assert (foreground > 0).all()
    assert foreground.abs().max() > 1e-8

    optimizer = torch.optim.Adam([logits], lr=0.1)
    for _ in range(100):
        optimizer.zero_grad()
        loss(logits, target).backward()
        optimizer.step()
    if classes == 1:
        assert (logits < 0).all()
    else:
        assert (logits.argmax(1) == 0).all()


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("classes", [1, 3])
def test_gradients_agree_with_differences(name, classes):
    logits, target = batch(classes, count=2, size=(3, 3))
    target[0, 0, 0] = IGNORE
    loss = create_loss(name, classes)
    assert torch.autograd.gradcheck(lambda x: loss(x, target), logits.double().requires_grad_())


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("classes", [1, 3])
@pytest.mark.parametrize("size", [1e4, 100.0])
def test_extreme_logits_stay_finite(name, classes, size):
    logits, target = batch(classes)
    extreme = (logits.sign() * size).requires_grad_()
    loss = create_loss(name, classes)(extreme, target)
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(extreme.grad).all()


@pytest.mark.parametrize("name", LOSSES)
@settings(deadline=None, max_examples=20)
@given(classes=st.sampled_from([1, 2, 5]), seed=st.integers(0, 1000))
def test_parts_of_a_batch_average_to_the_whole(name, classes, seed):
    """So that accumulation and several processes change nothing, even where images ignore unequally."""
    logits, target = batch(classes, count=4, seed=seed)
    target[0, :3] = IGNORE
    loss = create_loss(name, classes)
    parts = (loss(logits[:2], target[:2]) + loss(logits[2:], target[2:])) / 2
    torch.testing.assert_close(loss(logits, target), parts)
    assert loss(logits, target) >= 0


@pytest.mark.parametrize("name", [name for name in LOSSES if name not in ("boundary", "cldice")])
def test_shape_of_the_image_does_not_matter(name):
    logits, target = batch(3)
    loss = create_loss(name, 3)
    flat = loss(logits.flatten(2)[:, :, None], target.flatten(1)[:, None])
    torch.testing.assert_close(loss(logits, target), flat)
    last = logits.contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(loss(logits, target), loss(last, target))


def test_an_unknown_loss_is_refused():
    with pytest.raises(ConfigError, match="no loss 'hinge'; choose one of dice, ce"):
        create_loss("hinge", 1)


def test_a_network_of_other_classes_is_refused():
    with pytest.raises(ModelError, match="3 logit channels, the loss was made for 1"):
        create_loss("dice", 1)(MULTI, LABELS)

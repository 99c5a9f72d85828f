"""Counting in bins gives what predicting with every offset gives."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from prismseg.evaluation.metrics import case_metrics
from prismseg.train.instant.dice import best_offsets, image_dice, margin_dice, offset_curves


def drawn(seed, classes, pixels=200, unknown=0):
    generator = torch.Generator().manual_seed(seed)
    truth = torch.randint(0, classes, (pixels,), generator=generator)
    outputs = torch.randn(classes, pixels, generator=generator) * 0.5
    outputs[truth, torch.arange(pixels)] += 0.4
    if unknown:
        truth[torch.randperm(pixels, generator=generator)[:unknown]] = 255
    return outputs, truth


def evaluated(found, truth, classes):
    rows = case_metrics(found[None].numpy(), truth[None].numpy(), [str(label) for label in range(classes)])
    return [row["value"] for row in rows if row["metric"] == "dice"]


@given(seed=st.integers(0, 50), classes=st.integers(2, 4), unknown=st.sampled_from([0, 30]))
def test_dice_of_an_image_is_the_evaluations(seed, classes, unknown):
    outputs, truth = drawn(seed, classes, unknown=unknown)
    np.testing.assert_allclose(image_dice(outputs, truth), evaluated(outputs.argmax(0), truth, classes), rtol=1e-6)


@given(seed=st.integers(0, 50), classes=st.integers(2, 4), unknown=st.sampled_from([0, 30]))
def test_dice_of_one_class_at_each_offset(seed, classes, unknown):
    outputs, truth = drawn(seed, classes, unknown=unknown)
    offsets = torch.tensor([-2.0, -0.3, 0.0, 0.1, 5.0])
    curves = margin_dice(torch.stack([outputs, -outputs]), truth, offsets)
    for fit, values in enumerate((outputs, -outputs)):
        for label in range(1, classes):
            for place, offset in enumerate(offsets):
                shifted = values.clone()
                shifted[label] += offset
                found = (shifted.argmax(0) == label).long()
                target = torch.where(truth == 255, 255, (truth == label).long())
                assert abs(float(curves[fit, label - 1, place]) - evaluated(found, target, 2)[0]) < 1e-6


@given(seed=st.integers(0, 50), classes=st.integers(2, 4))
def test_curves_hold_the_dice_of_all_classes_at_each_offset(seed, classes):
    images = [drawn(seed, classes), drawn(seed + 100, classes, pixels=70)]
    offsets = torch.linspace(0, 0.3, classes)
    curves = offset_curves(images, offsets, label=1)
    for number, (outputs, truth) in enumerate(images):
        for place in range(0, len(curves.offsets), 16):
            changed = offsets.clone()
            changed[1] = curves.offsets[place]
            expected = image_dice(outputs + changed[:, None], truth)
            torch.testing.assert_close(curves.values[number, place], expected, rtol=0, atol=1e-6)


def test_the_best_offset_of_two_classes_is_the_best_of_all():
    images = [drawn(seed, 2, pixels=400) for seed in range(5)]
    offsets = best_offsets(images, 2)
    assert offsets[0] == 0

    def mean(offset):
        shift = torch.tensor([[0.0], [offset]])
        return torch.stack([image_dice(outputs + shift, truth) for outputs, truth in images]).mean()

    best = max(float(mean(offset)) for offset in np.linspace(-3, 3, 601))
    assert float(mean(float(offsets[1]))) > best - 0.005


def test_offsets_of_several_classes_never_make_it_worse_and_find_a_planted_shift():
    images = [drawn(seed, 3, pixels=500) for seed in range(6)]
    shifted = [(outputs - torch.tensor([[0.0], [1.5], [-0.7]]), truth) for outputs, truth in images]
    offsets = best_offsets(shifted, 3)
    before = torch.stack([image_dice(outputs, truth) for outputs, truth in shifted]).mean()
    after = torch.stack([image_dice(outputs + offsets[:, None], truth) for outputs, truth in shifted]).mean()
    planted = torch.stack([image_dice(outputs, truth) for outputs, truth in images]).mean()
    assert after > before + 0.1 and after > planted - 0.01

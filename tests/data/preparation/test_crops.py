"""Where windows lie, and that they show what lies there."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from prismseg.base import ConfigError
from prismseg.data import Augmentation, AugmentationConfig, CropConfig
from prismseg.data.preparation.crops import cut, cut_moved, draw_corner
from prismseg.data.preparation.geometry import Geometry

STILL = Geometry(torch.zeros(1), torch.ones(1), torch.zeros(1, 2), torch.ones(1), torch.ones(1))


def numbered(height, width):
    """An image whose pixels are its mask's labels, all different."""
    mask = torch.arange(height * width).reshape(height, width)
    return mask[None].float(), mask


def test_without_foreground_each_position_is_as_likely():
    mask = torch.zeros(10, 14, dtype=torch.int64)
    mask[0, 0] = 1  # where no foreground is asked for, it draws nothing towards it
    torch.manual_seed(0)
    config = CropConfig((8, 12), foreground=0)
    counts = torch.zeros(3, 3)
    for _ in range(9000):
        counts[draw_corner(mask, config)] += 1
    expected = 1000
    assert ((counts - expected) ** 2 / expected).sum() < 26.1  # chi-squared, 8 degrees of freedom: p = .001


def test_the_stated_share_of_windows_holds_the_foreground():
    mask = torch.zeros(100, 100, dtype=torch.int64)
    mask[70, 20] = 1
    config = CropConfig((11, 11), foreground=0.4)
    torch.manual_seed(1)
    corners = torch.tensor([draw_corner(mask, config) for _ in range(4000)])
    centred = (corners == torch.tensor([65, 15])).all(1).float().mean()
    assert centred.item() == pytest.approx(0.4 + 0.6 / 90**2, abs=3 * math.sqrt(0.24 / 4000))
    # Of the others 11 x 11 of 90 x 90 positions show the pixel.
    rest = corners[(corners != torch.tensor([65, 15])).any(1)]
    pixel = torch.tensor([70, 20])
    shown = ((rest > pixel - 11) & (rest <= pixel)).all(1).float().mean()
    assert shown.item() == pytest.approx(121 / 8100, abs=0.01)


def test_rare_classes_are_as_likely_as_common_ones_and_255_is_none():
    mask = torch.zeros(60, 60, dtype=torch.int64)
    mask[:, :20], mask[40, 40], mask[:, 58:] = 1, 2, 255
    config = CropConfig((1, 1), foreground=1)
    torch.manual_seed(2)
    labels = torch.tensor([int(mask[draw_corner(mask, config)]) for _ in range(2000)])
    assert set(labels.tolist()) == {1, 2}
    assert (labels == 2).float().mean().item() == pytest.approx(0.5, abs=3 * 0.5 / math.sqrt(2000))


def test_images_without_foreground_are_cut_anywhere():
    torch.manual_seed(3)
    config = CropConfig((2, 2), foreground=1)
    for mask in (torch.zeros(3, 2, dtype=torch.int64), torch.full((3, 2), 255)):
        assert {draw_corner(mask, config) for _ in range(50)} == {(0, 0), (1, 0)}


@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 12), st.integers(1, 12), st.integers(0, 999))
def test_windows_stay_in_the_image_or_have_it_in_their_middle(height, width, tall, wide, seed):
    torch.manual_seed(seed)
    mask = torch.randint(3, (height, width))
    for first, whole, side in zip(
        draw_corner(mask, CropConfig((tall, wide), 0.5)), (height, width), (tall, wide), strict=True
    ):
        if side <= whole:
            assert 0 <= first <= whole - side
        else:
            assert abs((-first) - (side - whole + first)) <= 1  # as much before as after


def test_a_window_is_a_slice_and_beyond_the_border_a_mirror_image():
    image, mask = numbered(5, 6)
    window, labels = cut(image, mask, (1, 2), (3, 4))
    assert torch.equal(window, image[:, 1:4, 2:]) and torch.equal(labels, mask[1:4, 2:])
    window, labels = cut(image, mask, (-2, -1), (9, 8))
    assert labels[:, 1].tolist() == [6, 0, 0, 6, 12, 18, 24, 24, 18]
    assert labels[2].tolist() == [0, 0, 1, 2, 3, 4, 5, 5]
    assert torch.equal(window[0].long(), labels)


@given(st.integers(-3, 6), st.integers(-3, 6), st.integers(1, 9), st.integers(1, 9))
def test_moved_by_nothing_it_is_the_same_window(row, column, tall, wide):
    image, mask = numbered(7, 8)
    expected = cut(image, mask, (row, column), (tall, wide))
    images, masks = cut_moved([image], [mask], [(row, column)], (tall, wide), STILL)
    torch.testing.assert_close(images[0], expected[0], atol=1e-3, rtol=0)
    assert torch.equal(masks[0], expected[1])


def test_a_turned_window_shows_what_truly_lies_beside_it():
    """A quarter turn about a window's middle shows the same square, turned; half the size, the square around it."""
    image, mask = numbered(12, 16)
    quarter = STILL._replace(angle=torch.tensor([math.pi / 2]))
    _, turned = cut_moved([image], [mask], [(3, 5)], (4, 4), quarter)
    assert torch.equal(turned[0], mask[3:7, 5:9].rot90(-1)) or torch.equal(turned[0], mask[3:7, 5:9].rot90(1))
    window, _ = cut_moved([image], [mask], [(4, 6)], (4, 4), STILL._replace(zoom=torch.tensor([0.5])))
    # Every second place from 3 rows before the middle on; the numbers rise linearly, so that interpolation is exact.
    rows, columns = 6 - 3 - 0.5 + 2 * torch.arange(4.0), 8 - 3 - 0.5 + 2 * torch.arange(4.0)
    torch.testing.assert_close(window[0, 0], 16 * rows[:, None] + columns, atol=1e-3, rtol=0)


def test_image_and_mask_move_together_and_sizes_may_differ():
    torch.manual_seed(4)
    noise = [torch.randn(1, 1, *size) for size in ((40, 52), (25, 60), (90, 31))]
    smooth = [torch.nn.functional.avg_pool2d(each, 9, 1, 4)[0, 0] > 0 for each in noise]
    augment = Augmentation(
        AugmentationConfig(flip=0.5, rotation=40, log_zoom=0.3, elastic=0.05), CropConfig((24, 20))
    )
    for _ in range(5):
        changed, labels = augment([mask[None].float() for mask in smooth], [mask.long() for mask in smooth])
        assert changed.shape == (3, 1, 24, 20) and labels.shape == (3, 24, 20)
        assert (changed[:, 0][labels == 1] >= 0.25 - 1e-4).all() and (
            changed[:, 0][labels == 0] <= 0.75 + 1e-4
        ).all()


def test_the_same_seed_gives_the_same_crops():
    image, mask = numbered(30, 30)
    augment = Augmentation("strong", CropConfig((16, 16)))
    results = []
    for seed in (5, 5, 6):
        torch.manual_seed(seed)
        results.append(augment([image, image], [mask, mask])[1])
    assert torch.equal(results[0], results[1]) and not torch.equal(results[0], results[2])


@pytest.mark.parametrize("wrong", [{"size": (0, 4)}, {"size": (4.0, 4)}, {"size": (4, 4), "foreground": 1.5}])
def test_impossible_crops_are_refused(wrong):
    with pytest.raises(ConfigError, match="crop"):
        CropConfig(**wrong)

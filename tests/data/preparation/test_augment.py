import math
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from prismseg.base import ConfigError
from prismseg.data.preparation.augment import AUGMENTATIONS, Augmentation, AugmentationConfig
from prismseg.data.preparation.geometry import Geometry, draw_geometry, move


def blobs(count=8, channels=1, size=(64, 80), seed=0):
    """Images of z-scored scale and masks of three labels, with the image equal to the mask before scaling."""
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(count, 1, *size, generator=generator)
    smooth = F.avg_pool2d(noise, 15, stride=1, padding=7)
    masks = torch.bucketize(smooth[:, 0], torch.quantile(smooth, torch.tensor([0.4, 0.7])))
    images = torch.randn(count, channels, *size, generator=generator)
    return images, masks


def geometry(angle=0.0, zoom=1.0, shift=(0.0, 0.0), mirror=1.0, upend=1.0):
    return Geometry(*(torch.tensor([value]) for value in (angle, zoom, shift, mirror, upend)))


def source_of(x, y, height, width, **drawn):
    """Pixel offset from the centre (x right, y down) that an output pixel at offset (x, y) is taken from."""
    matrix = geometry(**drawn).matrix(height, width)[0]
    at = matrix @ torch.tensor([2 * x / width, 2 * y / height, 1.0])
    return [at[0].item() * width / 2, at[1].item() * height / 2]


@pytest.mark.parametrize("preset", AUGMENTATIONS)
def test_the_same_seed_gives_the_same_batch_bit_for_bit(preset):
    images, masks = blobs()
    results = []
    for _ in range(2):
        torch.manual_seed(5)
        results.append(Augmentation(preset)(images, masks))
    assert torch.equal(results[0][0], results[1][0])
    assert torch.equal(results[0][1], results[1][1])


@pytest.mark.parametrize("preset", ["thesis", "default", "strong", "unoriented"])
def test_other_seeds_give_other_batches(preset):
    images, masks = blobs()
    torch.manual_seed(0)
    first = Augmentation(preset)(images, masks)
    second = Augmentation(preset)(images, masks)
    assert not torch.equal(first[0], second[0])
    assert not torch.equal(first[1], second[1])


def test_none_passes_everything_and_draws_nothing():
    images, masks = blobs()
    torch.manual_seed(0)
    before = torch.get_rng_state()
    changed, labels = Augmentation("none")(images, masks)
    assert torch.equal(changed, images)
    assert torch.equal(labels, masks)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("preset", ["thesis", "default", "strong", "unoriented"])
@pytest.mark.parametrize("channels", [1, 3])
def test_shapes_types_and_memory_format_are_kept(preset, channels):
    images, masks = blobs(channels=channels)
    for layout in (torch.contiguous_format, torch.channels_last):
        given = images.contiguous(memory_format=layout).requires_grad_()
        changed, labels = Augmentation(preset)(given, masks)
        assert changed.shape == images.shape
        assert changed.dtype == torch.float32
        assert changed.is_contiguous(memory_format=layout)
        assert not changed.requires_grad
        assert torch.isfinite(changed).all()
        assert labels.shape == masks.shape
        assert labels.dtype == torch.int64


def test_the_given_tensors_are_not_changed():
    images, masks = blobs()
    before = images.clone(), masks.clone()
    Augmentation(AugmentationConfig(flip=1, rotation=15, photometric=1))(images, masks)
    assert torch.equal(images, before[0])
    assert torch.equal(masks, before[1])


def test_masks_hold_only_labels_they_held():
    images, masks = blobs(count=16)
    masks[masks == 2] = 255
    torch.manual_seed(1)
    for preset in ["default"] * 3 + ["unoriented"] * 3:
        labels = Augmentation(preset)(images, masks)[1]
        assert set(labels.unique().tolist()) <= {0, 1, 255}


def test_image_and_mask_move_together():
    """An image that equals its mask equals the moved mask, up to interpolation between labels."""
    masks = (blobs(count=16)[1] > 0).long()
    images = masks[:, None].float()
    torch.manual_seed(2)
    strong = replace(AUGMENTATIONS["unoriented"], photometric=0.0)
    for config in ["thesis"] * 4 + [strong] * 4:
        changed, labels = Augmentation(config)(images, masks)
        # Nearest picks the pixel with at least a quarter of the bilinear weight.
        assert (changed[:, 0][labels == 1] >= 0.25 - 1e-4).all()
        assert (changed[:, 0][labels == 0] <= 0.75 + 1e-4).all()
        assert ((changed[:, 0] - labels).abs() > 0.5).float().mean() < 0.02


def test_images_of_a_batch_change_independently():
    images, masks = blobs(count=1)
    torch.manual_seed(3)
    changed, labels = Augmentation("default")(images.expand(6, -1, -1, -1), masks.expand(6, -1, -1))
    for first in range(6):
        for second in range(first):
            assert not torch.equal(changed[first], changed[second])
            assert not torch.equal(labels[first], labels[second])


def test_the_drawn_geometry_fills_its_ranges_and_stays_in_them():
    torch.manual_seed(4)
    drawn = draw_geometry(AUGMENTATIONS["thesis"], 20_000)
    limits = {"angle": math.radians(15), "zoom": 0.15, "shift": 0.1}
    for name, limit in limits.items():
        values = getattr(drawn, name) - (1 if name == "zoom" else 0)
        assert values.abs().max() <= limit + 1e-6
        assert values.max() > 0.99 * limit
        assert values.min() < -0.99 * limit
        assert values.mean().abs() < 0.02 * limit
        assert values.std() == pytest.approx(limit / 3**0.5, rel=0.02)  # uniform
    assert set(drawn.mirror.tolist()) == {-1, 1}
    assert drawn.mirror.mean().abs() < 0.03
    assert drawn.upend.tolist() == [1] * 20_000 and drawn.bend is None
    table = torch.stack([drawn.angle, drawn.zoom, *drawn.shift.T, drawn.mirror])
    assert (torch.corrcoef(table) - torch.eye(5)).abs().max() < 0.03


def test_what_is_drawn_for_the_wider_augmentations():
    torch.manual_seed(4)
    drawn = draw_geometry(AUGMENTATIONS["unoriented"], 20_000)
    assert drawn.zoom.min() >= 1 / 1.4 - 1e-3 and drawn.zoom.max() <= 1.4 + 1e-3
    assert drawn.zoom.log().mean().abs() < 0.005 and drawn.zoom.log().std() == pytest.approx(
        0.336 / 3**0.5, rel=0.02
    )
    assert set(drawn.upend.tolist()) == {-1, 1} and drawn.upend.mean().abs() < 0.03
    assert (drawn.upend * drawn.mirror).mean().abs() < 0.03
    # A product of two uniform numbers, each of its own draws.
    assert 0.0495 < drawn.bend.abs().max() <= 0.05
    assert drawn.bend.std() == pytest.approx(0.05 / 3, rel=0.02)
    strength = drawn.bend.abs().amax((1, 2, 3))
    assert strength.min() < 0.001 and strength.std() == pytest.approx(0.05 / 12**0.5, rel=0.05)


def test_the_older_augmentations_draw_what_they_drew():
    """The numbers of 0.2.0, so that runs are repeated bit for bit."""
    images, masks = torch.arange(60.0).reshape(1, 1, 6, 10), torch.arange(60).reshape(1, 6, 10)
    torch.manual_seed(11)
    changed, labels = Augmentation("default")(images, masks)
    row = [13.9541, 15.8937, 18.7155, 21.5374, 24.3592, 27.181, 30.0029, 32.8247, 35.6465, 38.4684]
    assert changed[0, 0, 2].tolist() == pytest.approx(row, abs=1e-3)
    assert labels[0, 2].tolist() == [10, 20, 21, 22, 23, 24, 25, 36, 37, 38]


def test_no_change_is_the_identity():
    assert torch.equal(geometry().matrix(48, 64)[0], torch.eye(2, 3))


def test_a_turn_keeps_lengths_whatever_the_aspect_ratio():
    for height, width in ((100, 100), (60, 200)):
        assert source_of(10, 0, height, width, angle=math.pi / 2) == pytest.approx([0, -10], abs=1e-4)
        assert source_of(0, 10, height, width, angle=math.pi / 2) == pytest.approx([10, 0], abs=1e-4)


def test_a_zoom_is_the_same_on_both_axes():
    assert source_of(10, 20, 60, 200, zoom=2.0) == pytest.approx([5, 10], abs=1e-4)


def test_a_shift_is_a_share_of_each_side():
    assert source_of(0, 0, 60, 200, shift=(0.1, -0.1)) == pytest.approx([-20, 6], abs=1e-4)


def test_turn_zoom_shift_and_mirror_by_hand():
    # Undo the shift of (20, 0), then the turn by 90°, then the zoom by 2, then the mirror.
    drawn = {"angle": math.pi / 2, "zoom": 2.0, "shift": (0.1, 0.0), "mirror": -1.0}
    assert source_of(30, 8, 60, 200, **drawn) == pytest.approx([-4, -5], abs=1e-4)


def test_a_mirror_alone_reverses_every_row_exactly():
    images, masks = blobs()
    changed, labels = Augmentation(AugmentationConfig(flip=1))(images, masks)
    torch.testing.assert_close(changed, images.flip(-1), atol=1e-4, rtol=0)
    assert torch.equal(labels, masks.flip(-1))


def test_outside_the_border_both_are_continued_by_their_mirror_image():
    columns = torch.arange(10.0)
    images = columns.expand(1, 1, 4, 10).contiguous()
    changed, labels = move(images, images[:, 0].long(), geometry(shift=(0.2, 0.0)))
    expected = torch.tensor([1.0, 0, 0, 1, 2, 3, 4, 5, 6, 7])
    torch.testing.assert_close(changed[0, 0, 0], expected, atol=1e-4, rtol=0)
    assert torch.equal(labels[0, 0], expected.long())


def test_up_and_down_change_places_exactly():
    images, masks = blobs()
    changed, labels = Augmentation(AugmentationConfig(flip_vertical=1))(images, masks)
    torch.testing.assert_close(changed, images.flip(-2), atol=1e-4, rtol=0)
    assert torch.equal(labels, masks.flip(-2))
    # Both mirrors at once are half a turn.
    assert source_of(10, 4, 60, 200, mirror=-1.0, upend=-1.0) == pytest.approx([-10, -4], abs=1e-4)
    assert source_of(10, 4, 60, 200, angle=math.pi) == pytest.approx([-10, -4], abs=1e-4)


def test_a_bend_moves_pixels_by_its_share_of_the_shorter_side():
    """Equal displacements at all nodes are a shift; one that grows along an axis stretches."""
    bend = torch.zeros(1, 2, 5, 5)
    bend[:, 0] = 0.1
    grid = geometry()._replace(bend=bend).grid(torch.empty(1, 1, 20, 50))
    plain = geometry().grid(torch.empty(1, 1, 20, 50))
    torch.testing.assert_close((grid - plain)[0, ..., 0] * 50 / 2, torch.full((20, 50), 2.0), atol=1e-4, rtol=0)
    assert (grid - plain)[..., 1].abs().max() == 0
    bend[:, 0] = 0
    bend[:, 1] = torch.linspace(-0.1, 0.1, 5)[:, None]
    rise = (geometry()._replace(bend=bend).grid(torch.empty(1, 1, 20, 50)) - plain)[0, ..., 1] * 20 / 2
    assert rise[10].max() - rise[10].min() < 1e-4  # the same along a row
    assert rise[0, 0] == pytest.approx(-2, abs=0.01) and rise[-1, 0] == pytest.approx(2, abs=0.01)


def test_the_largest_bend_folds_nothing_over():
    torch.manual_seed(13)
    drawn = draw_geometry(AugmentationConfig(elastic=0.05), 200)
    grid = drawn.grid(torch.empty(200, 1, 64, 64))
    assert (grid[:, :, 1:, 0] > grid[:, :, :-1, 0]).all() and (grid[:, 1:, :, 1] > grid[:, :-1, :, 1]).all()
    # By hand: with no strength there is no displacement.
    none = drawn._replace(bend=drawn.bend * 0).grid(torch.empty(200, 1, 64, 64))
    assert torch.equal(none, drawn._replace(bend=None).grid(torch.empty(200, 1, 64, 64)))


def photometric(**only):
    nothing = dict.fromkeys(("brightness", "contrast", "gamma", "noise", "blur"), 0.0)
    return Augmentation(AugmentationConfig(photometric=1, **{**nothing, **only}))


def test_photometry_leaves_masks_alone():
    images, masks = blobs()
    torch.manual_seed(6)
    labels = Augmentation(AugmentationConfig(photometric=1))(images, masks)[1]
    assert torch.equal(labels, masks)


def test_brightness_shifts_by_at_most_its_share_of_the_deviation():
    images = 3 + 7 * blobs(count=400)[0]
    torch.manual_seed(7)
    shift = photometric(brightness=0.2)(images, images[:, 0].long())[0] - images
    torch.testing.assert_close(shift, shift[:, :, :1, :1].expand_as(shift), atol=1e-4, rtol=0)
    relative = shift[:, 0, 0, 0] / images.std(dim=(1, 2, 3))
    assert relative.abs().max() <= 0.2 + 1e-3
    assert relative.max() > 0.18
    assert relative.min() < -0.18


def test_contrast_keeps_the_mean_and_scales_the_deviation():
    images = 3 + 7 * blobs(count=400)[0]
    torch.manual_seed(8)
    changed = photometric(contrast=0.25)(images, images[:, 0].long())[0]
    torch.testing.assert_close(changed.mean((1, 2, 3)), images.mean((1, 2, 3)), atol=1e-3, rtol=0)
    factor = changed.std((1, 2, 3)) / images.std((1, 2, 3))
    assert factor.min() >= 0.75 - 1e-3
    assert factor.max() <= 1.25 + 1e-3
    assert factor.max() - factor.min() > 0.45


def test_gamma_keeps_the_range_and_the_order_of_intensities():
    images = blobs(count=50)[0] * 11 - 4
    torch.manual_seed(9)
    changed = photometric(gamma=0.35)(images, images[:, 0].long())[0]
    torch.testing.assert_close(changed.amax((1, 2, 3)), images.amax((1, 2, 3)), atol=1e-4, rtol=0)
    torch.testing.assert_close(changed.amin((1, 2, 3)), images.amin((1, 2, 3)), atol=1e-4, rtol=0)
    for before, after in zip(images, changed, strict=True):
        order = before.flatten().argsort()
        assert (after.flatten()[order].diff() > -1e-4).all()
    low, high = images.amin((1, 2, 3)), images.amax((1, 2, 3))
    middle = ((images - low[:, None, None, None]) / (high - low)[:, None, None, None]).median()
    moved = ((changed - low[:, None, None, None]) / (high - low)[:, None, None, None]).flatten(1).median(1).values
    assert moved.max() <= middle ** math.exp(-0.35) + 0.05
    assert moved.max() - moved.min() > 0.1


def test_noise_has_at_most_its_share_of_the_deviation():
    images = blobs(count=200)[0] * 5
    torch.manual_seed(10)
    noise = photometric(noise=0.1)(images, images[:, 0].long())[0] - images
    relative = noise.std((1, 2, 3)) / images.std((1, 2, 3))
    assert 0.09 < relative.max() < 0.105
    assert relative.min() < 0.01
    assert noise.mean().abs() < 0.01


def test_blur_smooths_and_keeps_the_mean():
    images = blobs(count=50)[0]
    torch.manual_seed(11)
    changed = photometric(blur=1.0)(images, images[:, 0].long())[0]
    torch.testing.assert_close(changed.mean((1, 2, 3)), images.mean((1, 2, 3)), atol=5e-3, rtol=0)
    # White noise blurred with deviation s keeps 1/(2 s sqrt(pi)) of its own: .56 at 0.5 (discrete), .28 at 1.
    ratio = changed.std((1, 2, 3)) / images.std((1, 2, 3))
    assert ratio.max() < 0.75
    assert 0.25 < ratio.min() < 0.35


def test_a_lower_resolution_loses_fine_detail_and_keeps_coarse():
    columns = torch.arange(64)
    fine = ((columns % 2) * 2.0 - 1).expand(100, 1, 64, 64).contiguous()
    coarse = torch.sin(columns * (2 * math.pi / 64)).expand(100, 1, 64, 64).contiguous()
    torch.manual_seed(14)
    augment = photometric(low_resolution=4.0)
    left = augment(fine, fine[:, 0].long())[0].std((1, 2, 3))
    kept = augment(coarse, coarse[:, 0].long())[0].std((1, 2, 3)) / coarse.std((1, 2, 3))
    assert left.median() < 0.2 and left.max() <= 1.001  # reduced to half and less, stripes of one pixel are grey
    assert kept.min() > 0.97 and kept.max() < 1.001
    assert torch.equal(photometric(low_resolution=1.0)(fine, fine[:, 0].long())[0], fine)


def test_colours_change_alone_and_only_where_there_are_three_channels():
    images, masks = blobs(count=300, channels=3, size=(16, 16))
    images = 2 + 3 * images
    torch.manual_seed(15)
    changed = photometric(colour=0.2)(images, masks)[0]
    deviation = images.std((1, 2, 3), correction=0)
    shift = (changed - images).mean((2, 3)) / deviation[:, None]
    grey = images.mean((1, 2, 3))
    # A channel's mean is first drawn to or from grey, by up to a fifth, then shifted by up to a fifth of the deviation.
    pulled = 0.2 * (images.mean((2, 3)) - images.mean(1).mean((1, 2))[:, None]).abs() / deviation[:, None]
    assert (shift.abs() <= 0.2 + pulled + 1e-4).all() and shift.abs().max() > 0.19
    assert shift.mean().abs() < 0.02 and (shift[:, 0] * shift[:, 1]).mean().abs() < 0.002
    assert grey.mean() == pytest.approx(2, abs=0.05)
    other = torch.cat([images, images[:, :1]], dim=1)
    assert torch.equal(photometric(colour=0.2)(other, masks)[0], photometric()(other, masks)[0])


def test_each_photometric_change_happens_with_its_probability():
    images = blobs(count=1000, size=(8, 8))[0]
    torch.manual_seed(12)
    config = AugmentationConfig(photometric=0.3, contrast=0, gamma=0, noise=0, blur=0)
    changed = Augmentation(config)(images, images[:, 0].long())[0]
    share = ((changed - images).abs().amax((1, 2, 3)) > 1e-4).float().mean()
    assert share.item() == pytest.approx(0.3, abs=0.04)


def test_constant_and_tiny_images_stay_finite():
    for size in ((1, 1), (3, 4), (16, 16)):
        images, masks = torch.zeros(4, 1, *size), torch.zeros(4, *size, dtype=torch.int64)
        changed, labels = Augmentation(AugmentationConfig(rotation=15, photometric=1))(images, masks)
        assert torch.equal(changed, images)
        assert torch.equal(labels, masks)


def test_an_unknown_preset_is_refused():
    with pytest.raises(
        ConfigError, match="no augmentation 'wild'; choose one of none, thesis, default, strong, unoriented"
    ):
        Augmentation("wild")


@pytest.mark.parametrize(
    "wrong",
    [
        {"flip": 1.5},
        {"rotation": -1},
        {"zoom": 1.0},
        {"noise": float("nan")},
        {"elastic": 0.2},
        {"low_resolution": 0.5},
    ],
)
def test_impossible_ranges_are_refused(wrong):
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        AugmentationConfig(**wrong)

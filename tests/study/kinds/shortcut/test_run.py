"""Images with a mark, what a network that reads it is told apart by, and rows of a run."""

import pytest
import torch
from torch import nn

from prismseg.study.kinds.shortcut.images import MARK, cut_out, draw_images
from prismseg.study.kinds.shortcut.run import FOUND, MEASURES, mark_effect, mark_gradient, run_shortcut
from prismseg.study.kinds.shortcut.settings import ShortcutSettings
from prismseg.study.means import draw_means


def test_the_mark_says_the_class_the_other_or_nothing():
    for mark, bright in (("tied", [True, False] * 3), ("flipped", [False, True] * 3), ("none", [False] * 6)):
        images, masks = draw_images(6, mark, seed=1)
        assert (images[:, 0, :MARK, :MARK].mean((1, 2)) > 1).tolist() == bright
        assert masks.amax((1, 2)).tolist() == [1, 2] * 3
    tied, flipped = (draw_images(4, mark, seed=1)[0] for mark in ("tied", "flipped"))
    assert torch.equal(tied[..., MARK:, :], flipped[..., MARK:, :])


class Reader(nn.Module):
    """Class 1 everywhere to the degree that the mark (or, with `blind`, the middle) is bright, else class 2."""

    def __init__(self, blind=False):
        super().__init__()
        self.blind = blind

    def forward(self, x):
        seen = x[:, :, 16:32, 16:32] if self.blind else x[:, :, :MARK, :MARK]
        one = seen.mean((1, 2, 3))[:, None, None, None].expand(-1, 1, *x.shape[2:])
        return torch.cat([torch.zeros_like(one), one, 1.5 - one], dim=1)


@pytest.mark.parametrize("measure", [mark_gradient, mark_effect])
def test_a_network_that_reads_the_mark_is_told_from_one_that_does_not(measure):
    images, masks = (part[::2] for part in draw_images(12, "tied", seed=0))
    assert (measure(Reader(), images, masks) > FOUND).all()
    assert (measure(Reader(blind=True), images, masks) < FOUND).all()


def test_all_of_the_gradient_on_the_mark_is_its_share_of_the_image():
    images, masks = (part[::2] for part in draw_images(4, "tied", seed=0))
    assert mark_gradient(Reader(), images, masks).tolist() == pytest.approx([36.0, 36.0])  # (48 / 8)²


def test_cut_out_fills_one_square():
    images = torch.ones(5, 1, 48, 48)
    cut = cut_out(images, torch.Generator().manual_seed(0))
    assert (cut == 0).sum((1, 2, 3)).tolist() == [144] * 5 and (images == 1).all()


def test_rows_of_a_run_and_their_figure(tmp_path):
    settings = ShortcutSettings(steps=2, width=0.25, images=8)
    rows = run_shortcut(settings, tmp_path)
    assert set(rows["measure"]) == set(MEASURES)
    counts = rows.groupby("measure")["case"].nunique()
    assert counts["dice_flipped"] == 48 and counts["mark_gradient"] == 24
    again = run_shortcut(settings, tmp_path)
    kept = rows["measure"] != "step_seconds"
    assert rows[kept].equals(again[kept])
    figures = draw_means(rows.assign(training="plain", seed="0"), MEASURES)
    assert len(figures["means"].axes) == 9 and draw_means(rows.iloc[:0], MEASURES) == {}

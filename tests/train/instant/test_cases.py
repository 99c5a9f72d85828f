import threading

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from prismseg.data import Preprocess
from prismseg.train.instant.cases import (
    LIGHT_COPIES,
    PreparedCases,
    cell_shares,
    copies,
    light_copies,
    part_groups,
    spread,
)
from prismseg.train.instant.light import relight
from prismseg.train.instant.settings import InstantSettings


@given(groups=st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=40), parts=st.integers(2, 10))
def test_parts_hold_each_case_once_and_no_part_shares_a_group(groups, parts):
    made = part_groups(groups, parts)
    assert sorted(case for part in made for case in part) == list(range(len(groups)))
    assert len(made) == min(parts, len(set(groups)))
    owners = [{groups[case] for case in part} for part in made]
    assert all(owners) and sum(map(len, owners)) == len(set(groups))


@given(sizes=st.lists(st.integers(1, 9), min_size=1, max_size=6), count=st.integers(1, 30))
def test_chosen_cases_are_spread_over_the_parts(sizes, count):
    starts = np.cumsum([0, *sizes])
    parts = [list(range(start, start + size)) for start, size in zip(starts, sizes, strict=False)]
    chosen = spread(parts, count)
    assert len(chosen) == len(set(chosen)) == min(count, sum(sizes))
    taken = [len(set(part) & set(chosen)) for part in parts]
    fullest = max(taken)
    assert all(got >= min(fullest - 1, len(part)) for got, part in zip(taken, parts, strict=True))


def labelled(mask, classes=3):
    return torch.stack([torch.as_tensor(mask) == label for label in range(classes)]).float()


def test_a_cell_is_labelled_by_area(segmenter):
    mask = torch.zeros(8, 8, dtype=torch.long)
    mask[:4, :2], mask[5, 5], mask[6:, :] = 1, 2, 255
    # Padded to 16 x 16 for the encoder: what is added has no label.
    shares = cell_shares(segmenter(), labelled(mask))
    assert shares.shape == (3, 4, 4)
    assert float(shares.sum()) == (64 - 16) / 16
    inner = shares[:, 1:3, 1:3]
    assert inner[1, 0, 0] == 0.5 and inner[0, 0, 0] == 0.5
    assert inner[2, 1, 1] == 1 / 16 and inner[0, 1, 1] == 7 / 16 and inner[0, 1, 0] == 0.5


def test_no_label_is_lost_where_an_image_is_scaled_down(draw):
    samples = draw(1, side=96)
    samples[0].mask[:] = 255
    samples[0].mask[50, 31], samples[0].mask[7, :] = 2, 1
    cases = PreparedCases(samples, Preprocess((24, 24), 1), "abc")
    _, shares = cases[0]
    assert shares[2].sum() == 1 / 16 and shares[2, 12, 7] == 1 / 16
    assert (shares[1, 1] == 1 / 4).all() and shares[1].sum() == 6 and shares[0].sum() == 0
    truth = cases.truth(0)
    assert truth[12, 7] == 2 and (truth[1] == 1).all() and (truth != 255).sum() == 25


def test_copies_are_mirrored_and_scaled_with_their_labels():
    image = torch.arange(64.0).reshape(1, 8, 8)
    shares = labelled(image[0] > 20, 2)
    made = list(copies(image, shares, InstantSettings(zooms=(0.5,))))
    assert len(made) == InstantSettings(zooms=(0.5,)).copies == 4
    assert torch.equal(made[0][0], image) and torch.equal(made[0][1], shares)
    assert torch.equal(made[1][0], image.flip(-1)) and torch.equal(made[1][1], shares.flip(-1))
    assert made[2][0].shape == (1, 4, 4)
    assert torch.equal(made[2][1], shares.unflatten(2, (4, 2)).unflatten(1, (4, 2)).mean((2, 4)))
    assert torch.equal(made[3][0], made[2][0].flip(-1)) and torch.equal(made[3][1], made[2][1].flip(-1))
    assert len(list(copies(image, shares, InstantSettings(mirror=False)))) == 1


def test_copies_in_another_light_keep_their_labels():
    image = torch.rand(3, 8, 8, generator=torch.Generator().manual_seed(0))
    shares = labelled(image[0] > 0.5, 2)
    for seed in (0, 1):
        made = list(light_copies(image, shares, seed))
        assert len(made) == LIGHT_COPIES == 2
        for number, (changed, labels) in enumerate(made):
            mirrored = (seed + number) % 2 == 1
            expected = relight(image, invert=bool(number), seed=2 * seed + number)
            assert torch.equal(changed, expected.flip(-1) if mirrored else expected)
            assert torch.equal(labels, shares.flip(-1) if mirrored else shares)


@pytest.mark.parametrize(
    "wrong", [{"zooms": (9.0,)}, {"penalties": ()}, {"folds": 1}, {"balances": (2.0,)}, {"lights": (-1.0,)}]
)
def test_settings_are_checked(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        InstantSettings(**wrong)


class Counted(list):
    """Samples that count how often each is asked for."""

    def __getitem__(self, case):
        self.asked[case] += 1
        return super().__getitem__(case)


def test_what_a_thread_has_read_last_is_not_replaced_by_another(draw, preprocess):
    samples = Counted(draw(2))
    samples.asked = [0, 0]
    cases = PreparedCases(samples, preprocess, ["background", "square", "disc"])
    first = cases[0][0]
    other = threading.Thread(target=cases.__getitem__, args=(1,))
    other.start()
    other.join()
    assert cases[0][0] is first and samples.asked == [1, 1]

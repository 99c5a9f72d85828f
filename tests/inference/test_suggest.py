import csv

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from prismseg.base import DataError
from prismseg.inference import suggest_images, write_suggestions
from prismseg.inference.suggest import COLOUR, doubtful_regions, outline


class Oracle:
    """A predictor that is as unsure of a pixel as its value says: 0 sure, 255 as unsure as can be."""

    def __call__(self, image):
        doubt = image[..., 0] / 255 / 2

        class Prediction:
            probabilities = np.stack([1 - doubt, doubt])

        return Prediction()


def picture(*doubtful):
    image = np.zeros((80, 128, 1), np.uint8)
    for top, left, value in doubtful:
        image[top : top + 20, left : left + 32] = value
    return image


def test_images_are_ranked_by_their_doubtful_regions_not_by_their_size():
    images = {
        "sure": picture(),
        "all a little": np.full((80, 128, 1), 20, np.uint8),
        "one place": picture((40, 64, 255)),
        "two places": picture((0, 0, 255), (40, 64, 255)),
    }
    found = suggest_images(Oracle(), images.items(), 3)
    assert [each.name for each in found] == ["two places", "one place", "all a little"]
    assert (found[1].regions[0].top, found[1].regions[0].left) == (40, 64)
    assert found[1].regions[0].entropy == pytest.approx(1)
    assert found[0].score == pytest.approx(np.mean([one.entropy for one in found[0].regions]))


@given(seed=st.integers(0, 100), height=st.integers(1, 60), width=st.integers(1, 60))
def test_regions_do_not_overlap_and_hold_the_mean_they_state(seed, height, width):
    entropy = np.random.default_rng(seed).random((height, width)).astype(np.float32)
    seen = np.zeros_like(entropy)
    regions = doubtful_regions(entropy)
    assert 1 <= len(regions) <= 3
    assert [one.entropy for one in regions] == sorted((one.entropy for one in regions), reverse=True)
    for one in regions:
        place = slice(one.top, one.top + one.height), slice(one.left, one.left + one.width)
        assert entropy[place].shape == (one.height, one.width)
        assert entropy[place].mean() == pytest.approx(one.entropy, abs=1e-5)
        seen[place] += 1
    assert seen.max() == 1


def test_the_table_and_the_pictures(tmp_path):
    found = suggest_images(Oracle(), [("in/a.png", picture((40, 64, 255))), ("in/b.png", picture())], 1)
    table = write_suggestions(tmp_path, found)
    rows = list(csv.DictReader(table.open()))
    assert [(row["rank"], row["image"], row["region"]) for row in rows] == [("1", "in/a.png", n) for n in "123"]
    assert (rows[0]["top"], rows[0]["left"], rows[0]["height"], rows[0]["width"]) == ("40", "64", "20", "32")
    drawn = np.asarray(Image.open(tmp_path / "1-a.png"))
    assert (drawn[40, 64:96] == COLOUR).all() and (drawn[59, 95] == COLOUR).all()
    assert not (drawn[45, 75] == COLOUR).all()


def test_nothing_to_suggest():
    with pytest.raises(DataError, match="--pool"):
        suggest_images(Oracle(), [])


def test_outlines_of_small_pictures():
    region = doubtful_regions(np.ones((2, 2), np.float32), 1)
    assert outline(np.zeros((2, 2, 1), np.uint8), region).shape == (2, 2, 3)


def test_an_image_that_cannot_be_used_is_named():
    class Refusing:
        def __call__(self, image):
            raise DataError("The image holds NaN or infinite values.")

    with pytest.raises(DataError, match=r"^scan 7: The image holds NaN"):
        suggest_images(Refusing(), [("scan 7", picture())])

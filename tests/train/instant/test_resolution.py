"""The grid of an instant segmenter is as fine as the masks need, and no finer."""

import numpy as np
import pytest
from PIL import Image

from prismseg.base import DataError
from prismseg.data import open_dataset
from prismseg.train.instant.resolution import DRAWN, TRIED, choose_resolution, drawn_dice


def folder_of(tmp_path, *masks):
    for part in ("images", "masks"):
        (tmp_path / part).mkdir()
    for number, mask in enumerate(masks):
        Image.fromarray(np.zeros_like(mask)).save(tmp_path / "images" / f"{number}.png")
        Image.fromarray(mask).save(tmp_path / "masks" / f"{number}.png")
    return open_dataset(tmp_path)


def disc(side=512):
    rows, columns = np.indices((side, side)) - side / 2
    return (rows**2 + columns**2 < (side / 4) ** 2).astype(np.uint8)


def lines(side=1024, apart=17, thick=3):
    mask = np.zeros((side, side), np.uint8)
    for row in range(5, side, apart):
        mask[row : row + thick] = 1
    return mask


def test_large_things_need_the_cheapest_grid_alone(tmp_path):
    found = choose_resolution(folder_of(tmp_path, disc()))
    assert (found.size, found.grid) == ((256, 256), TRIED[0][1])
    assert found.dice > DRAWN


def test_thin_lines_get_the_finest_grid_there_is(tmp_path):
    found = choose_resolution(folder_of(tmp_path, lines()))
    assert (found.size, found.grid) == ((512, 512), 2)
    assert found.dice < DRAWN


def test_of_a_size_that_is_given_the_grid_is_chosen(tmp_path):
    data = folder_of(tmp_path, lines())
    found = choose_resolution(data, (512, 480))
    assert (found.size, found.grid) == ((512, 480), 2)
    assert choose_resolution(data, (512, 480), 8).grid == 8
    (tmp_path / "other").mkdir()
    assert choose_resolution(folder_of(tmp_path / "other", disc()), (160, 224)).grid == 4


def test_the_shape_of_the_images_is_kept(tmp_path):
    found = choose_resolution(folder_of(tmp_path, disc()[:, 128:384]))
    assert found.size == (352, 192)  # 256² pixels at 2 : 1, in steps of 32


def test_without_a_mask_nothing_is_chosen(tmp_path):
    dataset = folder_of(tmp_path, disc())
    (tmp_path / "images" / "other.png").write_bytes((tmp_path / "images" / "0.png").read_bytes())
    dataset = open_dataset(tmp_path)
    with pytest.raises(DataError, match=r"No image of .* has a mask"):
        choose_resolution(dataset.subset(dataset.unlabelled))


def test_dice_of_drawn_masks():
    mask = np.zeros((4, 4), np.uint8)
    mask[:, 0] = 1
    # One cell a row pair: a quarter of each is foreground, so that nothing is drawn.
    assert drawn_dice(mask, (2, 1)) == 0
    assert drawn_dice(mask, (4, 4)) == 1
    assert drawn_dice(np.zeros((4, 4), np.uint8), (1, 1)) == 1


def test_unknown_pixels_do_not_count():
    mask = np.zeros((8, 8), np.uint8)
    mask[:, :4] = 1
    mask[:, 3:5] = 255
    assert drawn_dice(mask, (8, 8)) == 1

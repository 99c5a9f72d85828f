"""Pictures that tests of layouts write."""

import numpy as np
from PIL import Image

SQUARE = np.zeros((6, 8), np.uint8)
SQUARE[1:4, 2:5] = 1


def save(path, pixels=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(len(str(path)))
    Image.fromarray(np.asarray(rng.integers(0, 255, (6, 8)) if pixels is None else pixels, np.uint8)).save(path)
    return path

from pathlib import Path

import numpy as np
import pytest

from prismseg.data import Preprocess, Sample
from prismseg.nets import create_model


@pytest.fixture
def draw():
    """Samples with bright squares (class 1) and dark discs (class 2) on noise, two of each patient."""

    def make(count=6, side=48, classes=3, contrast=4.0, per_group=2, unknown=0.0):
        samples = []
        rows, columns = np.mgrid[:side, :side]
        for number in range(count):
            rng = np.random.default_rng(number)
            image = rng.normal(size=(side, side, 1)).astype(np.float32)
            mask = np.zeros((side, side), np.uint8)
            top, left = rng.integers(2, side // 3, 2)
            mask[top : top + side // 4, left : left + side // 3] = 1
            if classes > 2:
                mask[np.hypot(rows - 0.72 * side, columns - 0.7 * side) < side / 6] = 2
            image[mask == 1] += contrast
            image[mask == 2] -= contrast
            mask[rng.random(mask.shape) < unknown] = 255
            group = f"p{number // per_group}"
            samples.append(
                Sample(f"{group}_{number}", group, image, mask, Path(f"{group}_{number}.npy"), Path("m.npy"))
            )
        return samples

    return make


@pytest.fixture
def segmenter():
    """An instant segmenter on a small random encoder."""

    def make(classes=3, **options):
        logits = 1 if classes == 2 else classes
        return create_model("instant", encoder="plain", width=0.5, classes=logits, seed=0, options=options)

    return make


@pytest.fixture
def preprocess():
    return Preprocess((48, 48), 1)

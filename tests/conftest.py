"""Settings and small data sets that the tests of several rooms share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import numpy as np
import pytest
from PIL import Image

from tests.browsers import browser, driver, each_browser, firefox  # noqa: F401

hypothesis.settings.register_profile("prismseg", deadline=None, derandomize=True)
hypothesis.settings.load_profile("prismseg")

SHARED_DATA = Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture
def shared_data() -> Path:
    """Real data sets beside the checkout; tests that need them are skipped where they are absent."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"the real data sets are not in {SHARED_DATA}")
    return SHARED_DATA


def write_discs(folder: Path, *, patients: int = 6, images: int = 3, size: tuple[int, int] = (40, 48)) -> Path:
    """Write an easy data set: bright discs on a dark ground, masks beside images (group before the underscore)."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(5)
    rows, columns = np.mgrid[: size[0], : size[1]]
    for patient in range(patients):
        for number in range(images):
            centre = rng.uniform(0.3, 0.7, 2) * size
            disc = np.hypot(rows - centre[0], columns - centre[1]) < rng.uniform(6, 11)
            picture = 60 + 120 * disc + rng.normal(0, 12, size)
            name = f"p{patient}_{number}"
            Image.fromarray(picture.clip(0, 255).astype(np.uint8)).save(folder / f"{name}.png")
            Image.fromarray(disc.astype(np.uint8)).save(folder / f"{name}_mask.png")
    return folder


@pytest.fixture(scope="session")
def discs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of `write_discs`: 6 patients with 3 images each."""
    return write_discs(tmp_path_factory.mktemp("discs"))


@pytest.fixture(autouse=True, scope="session")
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep what is stored between runs (twins of data sets) out of the user's cache."""
    before = os.environ.get("XDG_CACHE_HOME")
    os.environ["XDG_CACHE_HOME"] = str(tmp_path_factory.mktemp("cache"))
    yield
    if before is None:
        del os.environ["XDG_CACHE_HOME"]
    else:
        os.environ["XDG_CACHE_HOME"] = before

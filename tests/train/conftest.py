from pathlib import Path

import pytest

from prismseg.train import TrainConfig, make_config


def small_config(data: Path, **changes) -> TrainConfig:
    """Settings of a run that takes seconds."""
    optim = {"steps": 8, "batch_size": 4, "lr": 5e-3} | changes.pop("optim", {})
    values = {
        "data": {"path": str(data)},
        "split": {"fractions": (0.5, 0.2, 0.3)},
        "model": {"arch": "unet", "skip": "crffg", "width": 0.5},
        "optim": optim,
        "size": (32, 32),
        "evaluate_every": 4,
        "checkpoint_every": 2,
        "compile": "no",
    }
    return make_config(values | changes)


@pytest.fixture
def config(discs):
    return small_config(discs)

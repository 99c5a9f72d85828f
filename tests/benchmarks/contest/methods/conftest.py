"""A task of six discs at 32 x 32."""

import pytest
from contest.methods import METHODS
from contest.sets import open_set
from contest.task import Clock, Task, Watch, mean_dice


class Discs:
    """Makes tasks, and tests what came of them on discs of other patients."""

    def __init__(self, folder, out):
        self.dataset, _ = open_set(folder, {})
        self.out = out

    def task(self, method, **terms):
        clock = Clock()
        values = {
            "data": self.dataset.subset(range(6)), "options": None, "size": 32, "seconds": None, "stretch": 1.0,
            "choice": next(iter(METHODS[method].choices)), "seed": 0, "device": "cpu", "folder": self.out / method,
            "shared": self.out / "shared", "clock": clock,
            "watch": Watch([self.dataset[12]], len(self.dataset.classes), clock),
        }  # fmt: skip
        task = Task(**values | terms)
        task.folder.mkdir(parents=True, exist_ok=True)
        task.shared.mkdir(exist_ok=True)
        return task

    def dice(self, segment):
        samples = [self.dataset[case] for case in range(12, 18)]
        return sum(mean_dice(segment(each.image), each.mask, 2) for each in samples) / len(samples)


@pytest.fixture
def easy(discs, tmp_path):
    return Discs(discs, tmp_path)

"""Contestants whose results are known, and a data set of discs."""

import numpy as np
import pytest
from contest.kind import register
from contest.methods import METHODS
from contest.methods.method import Cost, Method
from contest.task import Fitted


def everything(task):
    """Call every pixel foreground."""
    return Fitted(lambda image: np.ones(image.shape[:2], np.uint8))


def threshold(task):
    """Find the discs by their brightness, in as many steps as the task allows; show the watch two of them."""
    steps = 10 if task.seconds is not None else round(20 * task.stretch)

    def segment(image):
        return (image[..., 0] > 120).astype(np.uint8)

    task.watch(0, lambda image: np.zeros(image.shape[:2], np.uint8))
    task.watch(steps, segment)
    return Fitted(segment, steps)


def broken(task):
    """Fail."""
    raise RuntimeError("this method never works")


@pytest.fixture(autouse=True)
def contestants():
    register()
    cost = Cost(setup=1, image=0.5, step=0.1, prediction=0.25)
    with (
        METHODS.temporarily("ours", Method(threshold, "by brightness", cost, steps=20, ours=True), summary="Ours"),
        METHODS.temporarily("all", Method(everything, "everything is foreground", cost), summary="All"),
        METHODS.temporarily("broken", Method(broken, "fails", cost, steps=20), summary="Broken"),
    ):
        yield

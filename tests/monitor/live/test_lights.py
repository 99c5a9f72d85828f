from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from prismseg.monitor.live.lights import assess_frame, sharpness
from prismseg.thermal import Frame, Parameters, Soles

SIZE = (240, 320)


def scene(blur: float = 0.8, *, emissivity: float | None = 0.98, move: int = 0) -> tuple[Frame, np.ndarray]:
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    mask = np.zeros(SIZE, bool)
    for centre in (100, 220):
        mask |= ((rows - 120 - move) / 90) ** 2 + ((columns - centre) / 34) ** 2 <= 1
    celsius = ndimage.gaussian_filter(np.where(mask, 30.0, 22.0), blur)
    celsius += np.random.default_rng(1).normal(0, 0.05, SIZE)
    return Frame(celsius, parameters=Parameters(emissivity=emissivity)), mask


def states(frame: Frame, mask: np.ndarray) -> dict[str, str]:
    return {light.name: light.state for light in assess_frame(frame, Soles.from_mask(mask))}


def test_a_good_picture_has_five_good_lights() -> None:
    found = states(*scene())
    assert found == dict.fromkeys(("two soles", "whole", "focus", "span", "emissivity"), "good")


@pytest.mark.parametrize(("blur", "state"), [(0.5, "good"), (1.5, "good"), (4.0, "doubtful"), (7.0, "doubtful")])
def test_focus(blur: float, state: str) -> None:
    assert states(*scene(blur))["focus"] == state


def test_sharpness_falls_with_every_step_of_blur() -> None:
    found = [sharpness(scene(blur)[0].celsius, scene(blur)[1]) for blur in (0.5, 1, 2, 3, 5)]
    assert found == sorted(found, reverse=True) and found[0] > 0.75 and found[-1] < 0.25


def test_one_sole_a_cut_sole_and_no_sole() -> None:
    frame, mask = scene()
    one = mask.copy()
    one[:, :160] = False
    assert states(frame, one)["two soles"] == "bad"
    assert states(frame, np.zeros(SIZE, bool))["two soles"] == "bad"
    cut_frame, cut = scene(move=90)
    assert states(cut_frame, cut)["whole"] == "bad"


def test_clipped_and_missing_temperatures() -> None:
    frame, mask = scene()
    clipped = Frame(np.minimum(frame.celsius, 29.9), parameters=frame.parameters)
    assert states(clipped, mask)["span"] == "doubtful"
    celsius = frame.celsius.copy()
    celsius[100:120, 90:110] = np.nan
    assert states(Frame(celsius, parameters=frame.parameters), mask)["span"] == "bad"


@pytest.mark.parametrize(
    ("emissivity", "state"), [(0.98, "good"), (0.985, "good"), (0.95, "doubtful"), (None, "doubtful")]
)
def test_emissivity(emissivity: float | None, state: str) -> None:
    assert states(*scene(emissivity=emissivity))["emissivity"] == state

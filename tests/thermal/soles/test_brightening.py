from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import ndimage
from tests.thermal.feet import SIZE, frame_of, mask_of, pair

from prismseg.base import DataError
from prismseg.base.constants import Z95
from prismseg.thermal import WHOLE_SOLE, Concern, ErrorModel, Frame, Session, measure_sole
from prismseg.thermal.soles.brightening import brighten_cold, find_brightened_sole


def test_brightening_is_a_square_root_between_the_percentiles() -> None:
    celsius = np.linspace(20, 30, 101, dtype=np.float32)[None].repeat(9, axis=0)
    low, high = np.percentile(celsius, (1, 99))
    seen = brighten_cold(celsius)
    assert seen.dtype == np.float32
    assert seen[0, 50] == pytest.approx(low + (high - low) * math.sqrt((25 - low) / (high - low)), abs=1e-4)
    assert seen.min() == pytest.approx(low, abs=1e-4) and seen.max() == pytest.approx(high, abs=1e-4)
    assert (np.diff(seen[0]) >= 0).all()


def test_what_has_no_temperature_stays_so_and_a_flat_picture_stays_flat() -> None:
    celsius = np.full((10, 10), 25, np.float32)
    assert (brighten_cold(celsius) == 25).all()
    celsius[:5] = 20
    celsius[0, 0] = np.nan
    assert np.isnan(brighten_cold(celsius)[0, 0]) and np.isfinite(brighten_cold(celsius)).sum() == 99
    with pytest.raises(DataError, match="No pixel"):
        brighten_cold(np.full((10, 10), np.nan))


def test_a_second_outline_keeps_off_the_other_sole_and_stays_near() -> None:
    sole, other = np.zeros((2, 100, 100), bool)
    sole[40:60, 40:60], other[40:60, 62:80] = True, True
    second = np.ones((100, 100))
    seen = find_brightened_sole(sole, other, second)
    assert not (seen & other).any() and (seen & sole).sum() == 400
    assert seen[36, 50] and seen[35, 50] and not seen[34, 50]  # 5 pixels are a quarter of its side


def test_by_as_much_as_the_second_look_differs_the_mean_may_be_wrong() -> None:
    celsius = np.full((100, 100), 22.0)
    celsius[20:80, 40:60] = 30
    celsius[20:25, 40:60] = 26  # cold toes
    sole = np.zeros((100, 100), bool)
    sole[25:80, 40:60] = True
    whole = celsius > 25
    still = ErrorModel(netd=0, common=0, contour=0, min_contour=0)
    alone = measure_sole(celsius, sole, errors=still)[WHOLE_SOLE]
    doubted = measure_sole(celsius, sole, errors=still, brightened=whole)[WHOLE_SOLE]
    assert alone.mean == doubted.mean == 30 and alone.mask == 0
    # 5 of 60 rows are 4 °C colder; the factor is that of all errors of the mask.
    assert doubted.mask == pytest.approx(1.1 * 4 * 5 / 60)
    with pytest.raises(DataError, match="shape"):
        measure_sole(celsius, sole, brightened=whole[1:])


def test_a_session_doubts_a_sole_whose_toes_only_the_second_look_sees() -> None:
    frame, _ = frame_of(30.0, 30.0, seed=0)
    sole = mask_of(*pair()) > 0
    rows = np.flatnonzero(sole.any(axis=1))
    toes = sole & (np.arange(SIZE[0])[:, None] < rows[0] + 0.15 * np.ptp(rows))
    celsius = np.where(toes, 26.0, frame.celsius)
    first = np.where(sole & ~toes, 0.99, 0.01)
    sure, doubting = Session(), Session()
    sure.add(Frame(celsius), first, minute=0, brightened=first)
    entry = doubting.add(Frame(celsius), first, minute=0, brightened=np.where(sole, 0.99, 0.01))
    assert sure.entries[0].observations == ()
    assert {observation.concern for observation in entry.observations} == {Concern.OUTLINE}
    assert sum("cold toes may be missed" in caution for caution in entry.cautions) == 2
    for side in ("left", "right"):
        true = celsius[
            entry.soles.side(side) | (toes & ndimage.binary_dilation(entry.soles.side(side), iterations=30))
        ]
        estimate = entry.estimates[side][WHOLE_SOLE]
        assert abs(estimate.mean - true.mean()) > Z95 * sure.entries[0].estimates[side][WHOLE_SOLE].error
        assert abs(estimate.mean - true.mean()) < Z95 * estimate.error
    lost = doubting.add(Frame(celsius + 0.1), first, minute=5, brightened=np.zeros(SIZE))
    assert sum("finds no" in caution for caution in lost.cautions) == 2
    wrong = doubting.add(Frame(celsius + 0.2), first, minute=6, brightened=np.zeros((5, 5)))
    assert not wrong.ok and "pixels" in wrong.reason

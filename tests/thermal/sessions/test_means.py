from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import ndimage
from scipy.stats import norm
from tests.thermal.feet import Foot

from prismseg.base import ConfigError, DataError
from prismseg.base.constants import Z95
from prismseg.thermal import REGIONS, TERRITORIES, WHOLE_SOLE, ErrorModel, Session, find_territories, measure_sole
from prismseg.thermal.sessions.changes import delta
from prismseg.thermal.sessions.entry import Entry
from prismseg.thermal.sessions.means.estimate import Estimate

NOTHING_WRONG = ErrorModel(netd=0, common=0, contour=0, min_contour=0, placing=0, placing_across=0)
SQUARE = np.pad(np.ones((20, 20), bool), 10)


def test_mean_sd_and_median_by_hand() -> None:
    celsius = np.zeros((5, 6))
    celsius[1, 1:5] = 20, 21, 22, 25
    sole = celsius > 0
    found = measure_sole(celsius, sole, errors=NOTHING_WRONG)[WHOLE_SOLE]
    assert (found.pixels, found.mean, found.median) == (4, 22.0, 21.5)
    assert found.sd == pytest.approx(math.sqrt((4 + 1 + 0 + 9) / 4))
    assert found.error == 0


def test_noise_shrinks_with_the_pixels_and_the_common_part_does_not() -> None:
    errors = ErrorModel(netd=0.08, pixels_sharing=4, common=0.03, contour=0)
    found = measure_sole(np.full(SQUARE.shape, 30.0), SQUARE, errors=errors)[WHOLE_SOLE]
    assert found.noise == pytest.approx(0.08 * math.sqrt(4 / 400))
    assert found.mask == 0
    assert found.own == pytest.approx(0.008)
    assert found.error == pytest.approx(math.hypot(0.008, 0.03))


def test_the_contours_part_by_hand() -> None:
    """A square of 20 x 20 at 30 °C on 26 °C: drawn in nothing changes, drawn out by c the ring's share is cold."""
    celsius = np.where(SQUARE, 30.0, 26.0)
    found = measure_sole(celsius, SQUARE, errors=ErrorModel(netd=0, common=0, contour=1.0))[WHOLE_SOLE]
    # Shares of pixels beyond corners follow the distance from the corner pixel's centre: sides count 4 x 20 c.
    once, twice = (-4 * ring / (400 + ring) for ring in (80 * 1 + 4 * _corner(1), 80 * 2 + 4 * _corner(2)))
    assert found.mask == pytest.approx(1.1 * math.sqrt(once**2 / 6 + twice**2 / 12), rel=1e-6)


def _corner(step: float) -> float:
    """Area of the pixels beyond one corner: as far drawn as their distance from the corner pixel allows."""
    steps = np.arange(1, 6)
    distance = np.hypot(*np.meshgrid(steps, steps)) - 0.5
    return float(np.clip(step - distance + 0.5, 0, 1).sum())


def test_an_even_scene_has_no_error_by_the_contour() -> None:
    found = measure_sole(np.full(SQUARE.shape, 30.0), SQUARE, errors=ErrorModel(netd=0, common=0))[WHOLE_SOLE]
    assert found.error == pytest.approx(0, abs=1e-9)


def test_a_sure_model_has_a_smaller_error_than_an_unsure_one_but_never_none() -> None:
    celsius = np.where(SQUARE, 30.0, 24.0)
    signed = np.where(
        SQUARE, ndimage.distance_transform_edt(SQUARE) - 0.5, 0.5 - ndimage.distance_transform_edt(~SQUARE)
    )
    parts = [
        measure_sole(celsius, SQUARE, probability=norm.cdf(signed / width))[WHOLE_SOLE].mask
        for width in (0.01, 2.0, 4.0)
    ]
    assert 0.1 < parts[0] < parts[1] < parts[2]
    floor = measure_sole(celsius, SQUARE, errors=ErrorModel(contour=0.5))[WHOLE_SOLE].mask
    assert parts[0] == pytest.approx(floor)


def test_territories_are_measured_and_small_ones_are_less_certain() -> None:
    foot = Foot("left", (120.0, 160.0), 150.0)
    found = find_territories(foot.mask(), "left")
    celsius = 26.0 + 4 * foot.sole_coordinates()[0]
    measured = measure_sole(celsius, foot.mask(), found.registration)
    assert tuple(measured) == REGIONS
    assert {name: measured[name].pixels for name in TERRITORIES} == found.pixels
    assert measured["medial calcaneal"].mean < measured["saphenous"].mean < measured["medial plantar"].mean
    assert measured["saphenous"].own > measured[WHOLE_SOLE].own
    weights = [measured[name].pixels for name in TERRITORIES]
    assert np.average([measured[name].mean for name in TERRITORIES], weights=weights) == pytest.approx(
        measured[WHOLE_SOLE].mean
    )


def test_a_territory_without_a_pixel_has_no_number() -> None:
    foot = Foot("left", (120.0, 160.0), 150.0)
    registration = find_territories(foot.mask(), "left").registration
    heel = foot.mask() & (foot.sole_coordinates()[0] < 0.1)
    measured = measure_sole(np.full(heel.shape, 30.0), heel, registration)
    assert measured["lateral plantar"].pixels == 0 and math.isnan(measured["lateral plantar"].mean)
    assert math.isnan(measured["lateral plantar"].error)


def test_what_cannot_be_measured_is_refused() -> None:
    celsius = np.full(SQUARE.shape, 30.0)
    with pytest.raises(DataError, match="no pixel"):
        measure_sole(celsius, np.zeros_like(SQUARE))
    with pytest.raises(DataError, match="shape"):
        measure_sole(celsius[1:], SQUARE)
    celsius[15, 15] = np.nan
    with pytest.raises(DataError, match="missing"):
        measure_sole(celsius, SQUARE)
    celsius[15, 15], celsius[9, 15] = 30.0, np.nan  # beside the sole it has no weight
    assert measure_sole(celsius, SQUARE)[WHOLE_SOLE].mask == pytest.approx(0, abs=1e-9)
    with pytest.raises(ConfigError, match="standard deviations"):
        ErrorModel(netd=-1)
    with pytest.raises(ConfigError, match="standard deviations"):
        ErrorModel(common=math.nan)


# --- calibration ------------------------------------------------------------------------------------------------------

FOOT = Foot("left", (80.0, 50.0), 130.0)
TRUE = FOOT.mask((160, 100))
SIGNED = np.where(TRUE, ndimage.distance_transform_edt(TRUE) - 0.5, 0.5 - ndimage.distance_transform_edt(~TRUE))


def _field(ground: float, blur: float, rise: float) -> np.ndarray:
    """A sole warmer at the heel, with a cooler rim, before a colder ground; the optics blur the edge."""
    rows = np.mgrid[:160, :100][0]
    inside = 28 + rise + 2 * rows / 160 - 0.8 * np.exp(-np.clip(SIGNED, 0, None) / 10)
    return ndimage.gaussian_filter(np.where(TRUE, inside, 28.0 - ground), blur)


def _seen(rng: np.random.Generator, field: np.ndarray, errors: ErrorModel, *, model: bool) -> Estimate:
    moved = SIGNED + rng.normal(0, errors.contour)
    celsius = field + rng.normal(0, errors.netd, field.shape) + rng.normal(0, errors.common)
    probability = norm.cdf(moved / errors.contour) if model else None
    return measure_sole(celsius, moved > 0, errors=errors, probability=probability)[WHOLE_SOLE]


@pytest.mark.parametrize(
    ("ground", "blur", "model"), [(0.5, 1.0, True), (2.0, 0.5, False), (4.0, 1.0, True), (6.0, 2.0, False)]
)
def test_95_percent_intervals_of_means_and_deltas_hold_the_truth(ground: float, blur: float, model: bool) -> None:
    rng, errors = np.random.default_rng(7), ErrorModel()
    before, after = _field(ground, blur, 0.0), _field(ground, blur, 1.5)
    true_mean, true_delta = before[TRUE].mean(), after[TRUE].mean() - before[TRUE].mean()
    runs = 500
    first = [_seen(rng, before, errors, model=model) for _ in range(runs)]
    then = [_seen(rng, after, errors, model=model) for _ in range(runs)]
    means = np.mean([abs(one.mean - true_mean) <= Z95 * one.error for one in first])
    deltas = np.mean(
        [
            abs(two.mean - one.mean - true_delta) <= Z95 * math.hypot(one.error, two.error)
            for one, two in zip(first, then, strict=True)
        ]
    )
    # Two standard deviations of 500 draws are 2 %, which go on top of 93 to 98 %.
    assert 0.92 <= means <= 0.99
    assert 0.93 <= deltas <= 0.99


@pytest.mark.parametrize(("ground", "model"), [(4.0, True), (4.0, False), (-1.0, False)])
def test_intervals_of_changes_are_as_wide_as_the_errors_that_frames_do_not_share(
    ground: float, model: bool
) -> None:
    """One network, or one hand, draws all frames a little too wide or too narrow: this cancels, the rest does not.

    With a ground of -1 °C the sole is colder than it at first and warmer later, so that the contour's error does not
    cancel but adds.
    """
    rng, errors = np.random.default_rng(5), ErrorModel()
    shared = errors.correlation if model else errors.mask_correlation
    before, after = _field(ground, 1.0, 0.0), _field(ground, 1.0, 3.0)
    after[~TRUE] = before[~TRUE]
    true = after[TRUE].mean() - before[TRUE].mean()
    changes = []
    for _ in range(250):
        habit = rng.normal(0, errors.contour * math.sqrt(shared))
        pair = []
        for field in (before, after):
            moved = SIGNED + habit + rng.normal(0, errors.contour * math.sqrt(1 - shared))
            celsius = field + rng.normal(0, errors.netd, field.shape) + rng.normal(0, errors.common)
            probability = norm.cdf(moved / errors.contour) if model else None
            found = measure_sole(celsius, moved > 0, errors=errors, probability=probability)
            pair.append(Entry(len(pair) * 5.0, "", estimates={"left": found, "right": found}))
        changes.append(delta(pair[1], pair[0], "left"))
    off = np.array([change.value - true for change in changes])
    stated = np.array([change.error for change in changes])
    assert 0.92 <= np.mean(np.abs(off) <= Z95 * stated) <= 0.995
    assert 0.8 <= np.median(stated) / off.std() <= 1.45


def test_a_foot_from_above_is_as_unsure_as_its_mean_without_what_may_be_leg() -> None:
    """Rows that grow warmer by 0.1 °C: without the upper share p of 40 rows the mean rises by 2 p °C."""
    foot = np.zeros((80, 60), bool)
    foot[30:70, 20:30] = True
    celsius = 30 + 0.1 * np.mgrid[:80, :60][0]
    found = measure_sole(celsius, foot, errors=NOTHING_WRONG, with_leg=True)[WHOLE_SOLE]
    weights = {0.05: 0.2, 0.1: 0.25, 0.2: 0.25, 0.3: 0.2, 0.4: 0.1}
    assert found.leg == pytest.approx(math.sqrt(sum(w * (2 * p) ** 2 for p, w in weights.items())))
    assert found.error == pytest.approx(found.leg) == found.own
    turned = measure_sole(60 - celsius, foot, errors=NOTHING_WRONG, with_leg=True)[WHOLE_SOLE]
    assert turned.leg == pytest.approx(-found.leg)
    assert measure_sole(celsius, foot, errors=NOTHING_WRONG)[WHOLE_SOLE].error == 0


def test_a_models_doubt_about_the_leg_is_not_counted_twice() -> None:
    foot = np.zeros((80, 60), bool)
    foot[30:70, 20:30] = True
    celsius = np.where(np.mgrid[:80, :60][1] // 10 == 2, 30.0, 22.0)
    probability = np.where(foot, 0.99, 0.01)
    probability[24:40, 20:30] = 0.5  # where the leg begins
    celsius[:40] -= 2.0 * (celsius[:40] > 25)
    errors = ErrorModel(netd=0, common=0, min_contour=0.01)
    alone = measure_sole(celsius, foot, errors=errors, probability=probability)[WHOLE_SOLE]
    above = measure_sole(celsius, foot, errors=errors, probability=probability, with_leg=True)[WHOLE_SOLE]
    assert alone.mask > 0.1 and above.mask < 0.05
    probability[60:70, 15:20] = 0.5  # beside the toes
    beside = measure_sole(celsius, foot, errors=errors, probability=probability, with_leg=True)[WHOLE_SOLE]
    assert beside.mask > 0.2 and beside.leg == above.leg


class TestPartsThatMayBeNoFoot:
    """A square of 400 pixels at 30 °C and a part of 40 pixels at the background's 22 °C."""

    part = np.zeros(SQUARE.shape, bool)
    part[6:8, 10:30] = True
    sole = SQUARE | part
    celsius = np.where(SQUARE, 30.0, 22.0)
    mean = (400 * 30 + 40 * 22) / 440

    def measured(self, doubtful) -> Estimate:
        return measure_sole(self.celsius, self.sole, errors=NOTHING_WRONG, doubtful=doubtful)[WHOLE_SOLE]

    def test_the_interval_reaches_the_mean_without_them(self) -> None:
        found = self.measured(self.part)
        assert found.mean == pytest.approx(self.mean)
        assert found.mean + Z95 * found.error == pytest.approx(30.0) and found.own == found.error
        assert self.measured(None).error == 0

    def test_a_change_knows_whether_both_frames_have_them(self) -> None:
        entries = [
            Entry(minute, f"t{minute}", estimates={"left": {WHOLE_SOLE: self.measured(doubtful)}})
            for minute, doubtful in ((0, None), (1, self.part), (2, self.part))
        ]
        first, second, third = entries
        assert delta(second, first, "left").error == pytest.approx((30 - self.mean) / Z95)
        assert delta(third, second, "left").error == 0

    def test_a_session_finds_them_by_their_temperature(self) -> None:
        """A part apart that is warmer than the bed is a toe; one of the bed's temperature is doubted."""
        sole = Foot("left", (130.0, 160.0)).mask()
        toe = np.zeros_like(sole)
        toe[50:60, 150:160] = True
        assert not (toe & sole).any()

        def estimate(mask, warm):
            entry = Session(feet="left").add(np.where(warm, 29.0, 22.0), mask, minute=0)
            return entry.estimates["left"][WHOLE_SOLE]

        plain, toed = estimate(sole, sole), estimate(sole | toe, sole | toe)
        shadowed = estimate(sole | toe, sole)
        assert plain.parts == toed.parts == 0 and toed.pixels == shadowed.pixels > plain.pixels
        assert shadowed.mean < plain.mean == 29.0
        assert shadowed.mean + Z95 * shadowed.parts == pytest.approx(29.0, abs=0.01)

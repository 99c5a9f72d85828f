import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prismseg.base import ConfigError
from prismseg.thermal import (
    TYPICAL_CALIBRATION,
    TYPICAL_PARAMETERS,
    Calibration,
    Parameters,
    to_celsius,
    to_counts,
)
from prismseg.thermal.frames.radiometry import planck_celsius, planck_signal, transmission, water_vapour

AIR = {"distance": st.floats(0, 20), "humidity": st.floats(0, 1), "atmosphere": st.floats(-10, 45)}
SURROUNDINGS = {
    **AIR,
    "emissivity": st.floats(0.3, 1),
    "reflected": st.floats(-20, 60),
    "window_temperature": st.floats(0, 40),
    "window_transmission": st.floats(0.3, 1),
}
# Constants as stored by an uncooled camera with a negative, and by one with a small, offset.
CAMERAS = st.sampled_from(
    [
        TYPICAL_CALIBRATION,
        Calibration(21170.0, 1501.9, 1.0, -7482.0, 0.0127567),
        Calibration(14861.56, 1395.6, 1.0, -992.0, 0.0323361),
        Calibration(14124.13, 1382.4, 1.65, -6780.0, 0.0138652),
    ]
)


def only(**parameters: float) -> Parameters:
    """Black body at the lens: no air, no window, nothing reflected."""
    return Parameters(**{"emissivity": 1.0, "reflected": 20.0, "distance": 0.0, **parameters})


def test_the_planck_curve_at_a_temperature_where_it_is_known_by_hand():
    # B = T·ln 2 makes exp(B/T) = 2 and so P = R1/R2 - O, at 300 K.
    camera = Calibration(r1=1000, b=300 * math.log(2), f=1, o=-50, r2=0.25)
    assert planck_signal(26.85, camera) == pytest.approx(4000 + 50, rel=1e-12)
    assert planck_celsius(4050.0, camera) == pytest.approx(26.85, abs=1e-9)
    assert to_celsius(4050, camera, only()) == pytest.approx(26.85, abs=1e-9)


def test_signals_without_an_object_are_nan():
    assert np.isnan(planck_celsius(6233.0, TYPICAL_CALIBRATION)) and np.isnan(
        planck_celsius(0.0, TYPICAL_CALIBRATION)
    )
    assert np.isnan(planck_signal(-300.0, TYPICAL_CALIBRATION))


def test_dry_air_by_hand_and_no_air():
    # d = 2 m makes sqrt(d/2) = 1, and dry air h = 0.
    by_hand = 1.9 * math.exp(-0.006569) - 0.9 * math.exp(-0.01262)
    assert transmission(2, 0, 20, TYPICAL_CALIBRATION) == pytest.approx(by_hand, rel=1e-12)
    assert transmission(0, 0.7, 30, TYPICAL_CALIBRATION) == 1


@pytest.mark.parametrize(("celsius", "density"), [(0, 4.85), (20, 17.30), (30, 30.38), (40, 51.19)])
def test_water_vapour_is_that_of_saturated_air_in_grams_per_cubic_metre(celsius, density):
    assert water_vapour(1, celsius) == pytest.approx(density, rel=0.025)
    assert water_vapour(0.5, celsius) == water_vapour(1, celsius) / 2


@given(**AIR)
def test_air_lets_through_a_share_that_falls_with_distance(distance, humidity, atmosphere):
    near, far = (transmission(way, humidity, atmosphere, TYPICAL_CALIBRATION) for way in (distance, distance + 5))
    assert 0.5 < far < near <= 1


@given(camera=CAMERAS, celsius=st.floats(-10, 60), **SURROUNDINGS)
def test_in_a_cavity_nothing_matters(camera, celsius, **surroundings):
    """Where object, surroundings, air and window are equally warm, the signal is that of a black body."""
    equal = dict.fromkeys(("reflected", "atmosphere", "window_temperature"), min(celsius, 45))
    parameters = Parameters(**(surroundings | equal))
    warm = min(celsius, 45)
    assert to_counts(warm, camera, parameters) == pytest.approx(float(planck_signal(warm, camera)), rel=1e-12)


def test_half_of_the_radiation_reflected_or_from_the_window():
    object_, other = (float(planck_signal(value, TYPICAL_CALIBRATION)) for value in (35.0, 20.0))
    middle = (object_ + other) / 2
    assert to_counts(35.0, TYPICAL_CALIBRATION, only(emissivity=0.5)) == pytest.approx(middle, rel=1e-12)
    window = only(window_transmission=0.5, window_temperature=20.0)
    assert to_counts(35.0, TYPICAL_CALIBRATION, window) == pytest.approx(middle, rel=1e-12)


@given(camera=CAMERAS, celsius=st.lists(st.floats(-20, 120), min_size=1, max_size=20), **SURROUNDINGS)
def test_there_and_back(camera, celsius, **surroundings):
    parameters = Parameters(**surroundings)
    exact = to_counts(np.array(celsius), camera, parameters)
    np.testing.assert_allclose(to_celsius(exact, camera, parameters), celsius, atol=1e-8)


@given(celsius=st.lists(st.floats(10, 60), min_size=1, max_size=20), emissivity=st.floats(0.8, 1))
def test_there_and_back_through_whole_counts(celsius, emissivity):
    parameters = dataclasses.replace(TYPICAL_PARAMETERS, emissivity=emissivity)
    stored = np.rint(to_counts(np.array(celsius), TYPICAL_CALIBRATION, parameters)).astype(np.uint16)
    assert np.abs(to_celsius(stored, TYPICAL_CALIBRATION, parameters) - celsius).max() <= 0.02


@pytest.mark.parametrize("skin", [26.0, 30.0, 34.0])
def test_the_factory_emissivity_reads_skin_too_warm_by_a_few_tenths(skin):
    counts = to_counts(skin, TYPICAL_CALIBRATION, TYPICAL_PARAMETERS)
    factory = to_celsius(counts, TYPICAL_CALIBRATION, dataclasses.replace(TYPICAL_PARAMETERS, emissivity=0.95))
    assert 0.1 <= factory - skin <= 0.45


@pytest.mark.parametrize("percent", [50, 0.5])
def test_humidity_in_percent_or_as_a_share(percent):
    assert Parameters(humidity=percent).humidity == 0.5


@pytest.mark.parametrize(
    "impossible",
    [
        {"emissivity": 0},
        {"emissivity": 1.1},
        {"emissivity": math.nan},
        {"humidity": 101},
        {"humidity": -0.1},
        {"distance": -1},
        {"distance": math.inf},
        {"reflected": -300},
        {"window_transmission": 0},
    ],
)
def test_impossible_parameters_are_named(impossible):
    with pytest.raises(ConfigError, match=next(iter(impossible)).replace("_", " ")):
        Parameters(**impossible)


@pytest.mark.parametrize("missing", ["emissivity", "reflected", "distance", "humidity", "atmosphere"])
def test_missing_parameters_are_named(missing):
    with pytest.raises(ConfigError, match=missing):
        to_celsius(15000, TYPICAL_CALIBRATION, dataclasses.replace(TYPICAL_PARAMETERS, **{missing: None}))


def test_a_window_needs_its_temperature():
    with pytest.raises(ConfigError, match="window_temperature"):
        to_celsius(15000, TYPICAL_CALIBRATION, only(window_transmission=0.9))


def test_opaque_air_is_refused():
    with pytest.raises(ConfigError, match="share between 1 and 100"):
        transmission(9000, 1, 200, TYPICAL_CALIBRATION)


@pytest.mark.parametrize("constant", ["r1", "b", "f", "r2"])
def test_impossible_constants_are_named(constant):
    with pytest.raises(ConfigError, match=f"constant {constant} is 0"):
        dataclasses.replace(TYPICAL_CALIBRATION, **{constant: 0})

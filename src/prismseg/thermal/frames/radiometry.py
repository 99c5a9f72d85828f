r"""From a detector's counts to °C and back: the radiometric chain of FLIR cameras.

The signal of a pixel is the sum of what object, surroundings, air and window send into the lens (Vollmer & Möllmann,
Infrared Thermal Imaging, 2nd ed. 2018, section 2.3.4; Tattersall 2016, R package Thermimage, raw2temp):

$$S = \tau\bigl(t_w\,(\tau\,(\varepsilon P(T) + (1-\varepsilon) P(T_\mathrm{refl})) + (1-\tau) P(T_a))
+ (1-t_w) P(T_w)\bigr) + (1-\tau) P(T_a)$$

with half of the air in front of the window and half behind it. Where everything has the same temperature $T$ the factors
sum to one and $S = P(T)$, as in a cavity.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from prismseg.base import ConfigError, Message
from prismseg.thermal.frames.frame import ZERO_CELSIUS, Parameters

# Largest absolute value of a constant in files that are not damaged.
_MAX_CONSTANT = 1e9
# Largest exponents of e: below the overflow of a double (709), and far above those of air that lets anything pass.
_MAX_POWER, _OPAQUE_POWER = 700.0, 50.0
# Transmissions of half the way that the formula may give; a little above 1 by its rounding.
_MIN_TRANSMISSION, _MAX_TRANSMISSION = 0.01, 1.01


@dataclass(frozen=True)
class Calibration:
    """Constants of one camera.

    Attributes
    ----------
    r1, b, f, o, r2 : float
        Of the Planck curve of `planck_signal`; `o` is negative in most cameras and used as it is stored.
    alpha1, alpha2, beta1, beta2, x : float
        Of the air, for `transmission`; the defaults are those of every FLIR camera met so far.

    Raises
    ------
    ConfigError
        When they give no rising curve.
    """

    r1: float
    b: float
    f: float
    o: float
    r2: float
    alpha1: float = 0.006569
    alpha2: float = 0.01262
    beta1: float = -0.002276
    beta2: float = -0.00667
    x: float = 1.9

    def __post_init__(self) -> None:
        values = {entry.name: getattr(self, entry.name) for entry in fields(self)}
        for name, value in values.items():
            wrong_sign = name in ("r1", "b", "f", "r2") and value <= 0
            if wrong_sign or not math.isfinite(value) or abs(value) > _MAX_CONSTANT:
                raise ConfigError(
                    Message(
                        "The calibration constant {name} is {value:g}, which is impossible.",
                        name=name,
                        value=value,
                    )
                )


# A microbolometer of 2013 (FLIR E60); 1 count is about 0.007 °C at skin temperature.
TYPICAL_CALIBRATION = Calibration(r1=14985.93, b=1398.1, f=1.0, o=-6233.0, r2=0.0112832)


def planck_signal(celsius: NDArray[np.float64] | float, calibration: Calibration) -> NDArray[np.float64]:
    r"""Compute the counts of a black body, $P(T) = \frac{R_1}{R_2 (e^{B/T} - F)} - O$ with $T$ in kelvin.

    Parameters
    ----------
    celsius : float or array of any shape
        Temperatures.
    calibration : Calibration
        Of the camera.

    Returns
    -------
    float64 array of the same shape
        NaN where there are no such counts.

    Examples
    --------
    >>> round(float(planck_signal(30.0, TYPICAL_CALIBRATION)))
    19558
    """
    kelvin = np.asarray(celsius, dtype=np.float64) + ZERO_CELSIUS
    with np.errstate(all="ignore"):
        denominator = calibration.r2 * (np.exp(calibration.b / kelvin) - calibration.f)
        signal = calibration.r1 / denominator - calibration.o
        return np.where((kelvin > 0) & (denominator > 0), signal, np.nan)


def planck_celsius(signal: NDArray[np.float64] | float, calibration: Calibration) -> NDArray[np.float64]:
    r"""Compute the temperature of a black body in °C, $T = B / \ln\bigl(R_1 / (R_2 (S + O)) + F\bigr)$ in kelvin.

    Parameters
    ----------
    signal : float or array of any shape
        Counts; the inverse of `planck_signal`.
    calibration : Calibration
        Of the camera.

    Returns
    -------
    float64 array of the same shape
        NaN where there is no such temperature.

    Examples
    --------
    >>> round(float(planck_celsius(planck_signal(30.0, TYPICAL_CALIBRATION), TYPICAL_CALIBRATION)), 6)
    30.0
    """
    above = np.asarray(signal, dtype=np.float64) + calibration.o
    with np.errstate(all="ignore"):
        kelvin = calibration.b / np.log(calibration.r1 / (calibration.r2 * above) + calibration.f)
        return np.where((above > 0) & (kelvin > 0), kelvin - ZERO_CELSIUS, np.nan)


def water_vapour(humidity: float, atmosphere: float) -> float:
    r"""Compute the water in the air in g/m³.

    $h = \mathrm{RH}\,\exp(1.5587 + 0.06939\,T - 2.7816\cdot10^{-4}\,T^2 + 6.8455\cdot10^{-7}\,T^3)$, FLIR's fit of the
    density of saturated vapour, true to 2.5 % between 0 and 40 °C.

    Parameters
    ----------
    humidity : float
        Relative humidity, 0 to 1.
    atmosphere : float
        Temperature of the air, °C.

    Examples
    --------
    >>> round(water_vapour(0.5, 20.0), 2)
    8.56
    """
    power = 1.5587 + 0.06939 * atmosphere - 2.7816e-4 * atmosphere**2 + 6.8455e-7 * atmosphere**3
    return humidity * math.exp(min(power, _MAX_POWER))


def transmission(distance: float, humidity: float, atmosphere: float, calibration: Calibration) -> float:
    r"""Compute the share of the radiation that *half* the way through the air lets pass.

    $\tau = X e^{-\sqrt{d/2}\,(\alpha_1 + \beta_1\sqrt h)} + (1 - X) e^{-\sqrt{d/2}\,(\alpha_2 + \beta_2\sqrt h)}$ with
    the distance $d$ in metres and the water $h$ in g/m³ (`water_vapour`).

    Parameters
    ----------
    distance : float
        From the camera to the object, m.
    humidity : float
        Relative humidity, 0 to 1.
    atmosphere : float
        Temperature of the air, °C.
    calibration : Calibration
        Of the camera.

    Raises
    ------
    ConfigError
        When these constants give no share, so that no object could be measured.

    Examples
    --------
    >>> round(transmission(1.0, 0.5, 20.0, TYPICAL_CALIBRATION), 4)
    0.9957
    """
    way = math.sqrt(distance / 2)
    root = math.sqrt(water_vapour(humidity, atmosphere))
    first = -way * (calibration.alpha1 + calibration.beta1 * root)
    second = -way * (calibration.alpha2 + calibration.beta2 * root)
    if max(first, second) < _OPAQUE_POWER:
        share = calibration.x * math.exp(first) + (1 - calibration.x) * math.exp(second)
        if _MIN_TRANSMISSION <= share <= _MAX_TRANSMISSION:
            return min(share, 1.0)
    raise ConfigError(
        Message(
            "Through {distance:g} m of air of {atmosphere:g} °C and {humidity:.0%} humidity the camera's formula "
            "gives no share between 1 and 100 %. State the distance, humidity and atmosphere.",
            distance=distance,
            atmosphere=atmosphere,
            humidity=humidity,
        )
    )


def to_celsius(
    counts: NDArray[np.generic] | float, calibration: Calibration, parameters: Parameters
) -> NDArray[np.float64]:
    """Compute the temperature of the object in °C from a detector's counts: the module's formula solved for T.

    Parameters
    ----------
    counts : array of any shape
        As the camera stores them.
    calibration : Calibration
        Of the camera.
    parameters : Parameters
        Of the object and what lies before it; a window is left out where its transmission is None or 1.

    Returns
    -------
    float64 array of the same shape
        NaN where the counts are below those of the coldest object.

    Raises
    ------
    ConfigError
        When a parameter the formula needs is missing or the air is opaque.

    Examples
    --------
    >>> skin = Parameters(emissivity=0.98, reflected=20.0, distance=0.0)
    >>> round(float(to_celsius(to_counts(30.0, TYPICAL_CALIBRATION, skin), TYPICAL_CALIBRATION, skin)), 6)
    30.0
    """
    factor, added = _path(calibration, parameters)
    return planck_celsius((np.asarray(counts, dtype=np.float64) - added) / factor, calibration)


def to_counts(
    celsius: NDArray[np.generic] | float, calibration: Calibration, parameters: Parameters
) -> NDArray[np.float64]:
    """Compute the counts, not rounded, of an object of some °C: the exact inverse of `to_celsius`.

    Parameters
    ----------
    celsius : array of any shape
        Temperatures.
    calibration, parameters
        As `to_celsius` takes them.

    Raises
    ------
    ConfigError
        As `to_celsius` raises it.
    """
    factor, added = _path(calibration, parameters)
    return factor * planck_signal(np.asarray(celsius, dtype=np.float64), calibration) + added


def _path(calibration: Calibration, parameters: Parameters) -> tuple[float, float]:
    """Compute the factor of the object's own signal, and what surroundings, air and window add to it."""
    missing = [name for name in ("emissivity", "reflected") if getattr(parameters, name) is None]
    if parameters.distance != 0:
        missing += [name for name in ("distance", "humidity", "atmosphere") if getattr(parameters, name) is None]
    window = 1.0 if parameters.window_transmission is None else parameters.window_transmission
    if window < 1 and parameters.window_temperature is None:
        missing.append("window_temperature")
    if missing:
        raise ConfigError(
            Message("The radiometric formula needs a value for {names}; state it.", names=", ".join(missing))
        )

    emissivity = parameters.emissivity or 0.0
    air, clear = 0.0, 1.0
    if parameters.distance:
        atmosphere = parameters.atmosphere or 0.0
        clear = transmission(parameters.distance, parameters.humidity or 0.0, atmosphere, calibration)
        air = float(planck_signal(atmosphere, calibration))
    reflected = float(planck_signal(parameters.reflected or 0.0, calibration))
    glass = float(planck_signal(parameters.window_temperature or 0.0, calibration)) if window < 1 else 0.0

    into_window = clear * (1 - emissivity) * reflected + (1 - clear) * air
    added = clear * (window * into_window + (1 - window) * glass) + (1 - clear) * air
    factor = clear * window * clear * emissivity
    if not math.isfinite(added):
        raise ConfigError(
            Message("The camera's calibration gives no signal at the stated temperatures of surroundings or air.")
        )
    return factor, added

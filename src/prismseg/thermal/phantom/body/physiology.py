"""Skin temperature of both feet over the minutes after an epidural test dose.

Calibrated to 30 labour sessions: a mixture of patients whose feet warm by 3–7 °C and others whose feet do not
(`prismseg.thermal.phantom.calibrate` compares both).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from prismseg.thermal.phantom.distributions import Normal, Uniform


@dataclass(frozen=True)
class PhysiologyParameters:
    """Temperatures of feet and how a block changes them.

    The baseline's mean and standard deviation are those of 30 labour sessions. All else is chosen so that the changes
    after 1, 5, 10, 15 and 20 minutes and the differences between both feet have the statistics of these sessions.
    """

    baseline: Normal = Normal(27.2, 2.4)  # mean of both feet at t0, °C
    difference: Normal = Normal(0.0, 0.65)  # left minus right at t0, °C
    drift: Normal = Normal(-0.31, 0.68)  # change of both feet without any effect of the block, °C
    drift_difference: Normal = Normal(0.0, 0.38)  # of one foot from both, °C
    steepest_drift: float = -2.5  # °C
    drift_minutes: float = 1.5  # time constant of the drift: 96 % of it within 5 minutes
    responders: float = 0.42  # share of the patients whose feet warm
    rise: Uniform = Uniform(3.5, 7.5)  # final warming of a responder's feet, °C
    onset: Uniform = Uniform(3.0, 10.0)  # when the warming begins, minutes after the dose
    onset_difference: Uniform = Uniform(0.0, 2.0)  # how much later a foot begins, minutes
    tau: Uniform = Uniform(2.0, 5.0)  # time constant of the warming, minutes
    share: Uniform = Uniform(0.85, 1.15)  # of the rise that each foot gets
    one_sided: float = 0.5  # share of the responders with a foot that warms less
    one_sided_share: Uniform = Uniform(0.0, 0.3)  # of its rise that this foot gets
    plateau: float = 34.5  # °C; no foot gets warmer
    coldest: float = 20.5  # °C; the coldest feet at t0


PHYSIOLOGY = PhysiologyParameters()


@dataclass(frozen=True)
class FootCourse:
    r"""Temperature of one foot: baseline, early drift, and a rise that saturates.

    .. math:: T(t) = T_0 + d (1 - e^{-t / t_d}) + r (1 - e^{-\max(0, t - t_1) / \tau})

    with the baseline :math:`T_0`, the drift :math:`d` and its time constant :math:`t_d` = 1.5 minutes, and the rise
    :math:`r` from the onset :math:`t_1` on.

    Attributes
    ----------
    baseline : float
        Mean temperature at t0, °C.
    drift : float
        Change without any effect of the block, reached within minutes, °C.
    rise : float
        Final warming by the block, °C; 0 where there is none.
    onset, tau : float
        Begin and time constant of the warming, minutes.

    Examples
    --------
    >>> course = FootCourse(baseline=27.0, drift=-0.4, rise=4.0, onset=5.0, tau=3.0)
    >>> [round(course.temperature(minute), 1) for minute in (0, 5, 10, 20)]
    [27.0, 26.6, 29.8, 30.6]
    """

    baseline: float
    drift: float
    rise: float
    onset: float
    tau: float

    def warming(self, minute: float) -> float:
        """Part of the temperature at `minute` that is due to the block, °C."""
        return float(self.rise * (1 - np.exp(-max(0.0, minute - self.onset) / self.tau)))

    def temperature(self, minute: float) -> float:
        """Mean temperature of the foot at `minute`, °C."""
        drift = self.drift * (1 - np.exp(-minute / PHYSIOLOGY.drift_minutes))
        return float(self.baseline + drift + self.warming(minute))


def draw_courses(
    rng: np.random.Generator, parameters: PhysiologyParameters = PHYSIOLOGY
) -> tuple[FootCourse, FootCourse]:
    """Draw the courses of one patient's left and right foot.

    Examples
    --------
    >>> left, right = draw_courses(np.random.default_rng(0))
    >>> abs(left.baseline - right.baseline) < 3
    True
    """
    p = parameters
    baseline = p.baseline.draw(rng)
    difference = p.difference.draw(rng)
    drift = p.drift.draw(rng)
    rise, onset, tau = p.rise.draw(rng), p.onset.draw(rng), p.tau.draw(rng)
    shares = p.share.sample(rng, 2) * (rng.random() < p.responders)
    if rng.random() < p.one_sided:
        shares[int(rng.integers(2))] *= p.one_sided_share.draw(rng)
    courses = []
    for side, share in zip((0.5, -0.5), shares, strict=True):
        start = float(np.clip(baseline + side * difference, p.coldest, p.plateau))
        # Feet do not get warmer than the plateau: warm feet have no headroom.
        change = float(np.clip(drift + p.drift_difference.draw(rng), p.steepest_drift, p.plateau - start))
        courses.append(
            FootCourse(
                baseline=start,
                drift=change,
                rise=float(min(rise * share, p.plateau - start - max(change, 0.0))),
                onset=float(onset + p.onset_difference.draw(rng)),
                tau=float(tau),
            )
        )
    return courses[0], courses[1]

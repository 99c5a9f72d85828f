from __future__ import annotations

import numpy as np
import pytest
from tests.thermal.feet import SIZE, Foot, frame_of, pair

from prismseg.base import ConfigError
from prismseg.thermal import REGION_SETS, TOES, WHOLE_SOLE, ZONE_TABLE, Region, RegionSet, Session, region_names
from prismseg.thermal.regions.zones import zone_at
from prismseg.thermal.soles.template import sole_outline

ZONES = {zone.name: zone.labels for zone in ZONE_TABLE}


def test_landmarks_of_the_foot_lie_in_their_zones() -> None:
    """Tips and heads of the first and fifth ray, navicular, heel: places on a foot, not on the drawing."""
    u = np.array([0.97, 0.82, 0.73, 0.63, 0.45, 0.12])
    v = np.array([0.13, -0.16, 0.12, -0.17, 0.05, 0.0])
    hallux, (lesser,) = ZONES["hallux"][0], set(ZONES[TOES]) - set(ZONES["hallux"])
    ball, arch, heel = (ZONES[name][0] for name in ("forefoot", "arch", "heel"))
    assert zone_at(u, v).tolist() == [hallux, lesser, ball, ball, arch, heel]


def test_thirds_of_the_toeless_sole() -> None:
    u = np.array([0.27, 0.28, 0.54, 0.55])
    assert zone_at(u, np.zeros(4)).tolist() == [
        *ZONES["heel"], *ZONES["arch"], *ZONES["arch"], *ZONES["forefoot"]
    ]  # fmt: skip


def test_every_place_has_one_zone_and_the_toes_hold_the_hallux() -> None:
    u, v = np.mgrid[-0.3:1.3:0.01, -0.39:0.39:0.01]
    zones = zone_at(u, v)
    assert set(np.unique(zones)) == {1, 2, 3, 4, 5}
    assert set(ZONES["hallux"]) < set(ZONES[TOES])
    rest = [label for name in ("forefoot", "arch", "heel") for label in ZONES[name]]
    assert sorted([*ZONES[TOES], *rest]) == [1, 2, 3, 4, 5]


def test_no_zone_is_a_speck() -> None:
    from skimage.draw import polygon2mask

    sole = polygon2mask((1000, 400), sole_outline() * 1000 + (0, 200))
    u, v = (np.argwhere(sole) - (0, 200)).T / 1000
    shares = np.bincount(zone_at(u, v), minlength=6)[1:] / sole.sum()
    assert shares.min() > 0.06 and shares[ZONES["hallux"][0] - 1] < shares[1]


def test_warm_toes_of_a_drawn_foot_are_found_at_any_pose() -> None:
    """Soles of 30 °C whose toes, by the zones' own coordinates, have 33 °C: the mean of each region is known."""
    for turn in (0.0, 12.0):
        feet = pair(turn=turn)
        frame, mask = frame_of(30.0, 30.0, feet)
        celsius = frame.celsius.copy()
        for foot in feet:
            celsius[np.isin(zone_at(*foot.sole_coordinates()), ZONES[TOES]) & foot.mask()] += 3.0
        session = Session()
        entry = session.add(celsius, mask, minute=0)
        for side in ("left", "right"):
            found = entry.estimates[side]
            assert found[TOES].mean == pytest.approx(33.0, abs=0.15)
            assert found["hallux"].mean == pytest.approx(33.0, abs=0.15)
            assert found["heel"].mean == pytest.approx(30.0, abs=0.05)
            assert found["forefoot"].mean == pytest.approx(30.0, abs=0.15)
            parts = sum(found[name].pixels for name in (TOES, "forefoot", "arch", "heel"))
            assert parts == found[WHOLE_SOLE].pixels


def test_zones_that_lost_their_toes_are_not_carried() -> None:
    """Toes that are missing from a later mask alone: what is called toes there is other skin, and the frame says so."""
    feet = pair()
    session = Session()
    session.add(*frame_of(30.0, 30.0, feet), minute=0)
    frame, mask = frame_of(30.5, 30.5, feet, seed=1)
    for foot in feet:
        mask &= ~np.isin(zone_at(*foot.sole_coordinates()), ZONES[TOES])
    entry = session.add(frame.celsius, mask, minute=5)
    assert {entry.territories[side].method for side in ("left", "right")} == {"registered"}
    assert sum("registered afresh" in note for note in map(str, entry.notes)) == 2


def test_a_session_measures_the_sets_that_are_asked_for() -> None:
    frame, mask = frame_of(30.0, 30.0)
    session = Session(regions=["zones"])
    entry = session.add(frame, mask, minute=0)
    assert session.regions == (WHOLE_SOLE, "toes", "hallux", "forefoot", "arch", "heel")
    assert tuple(entry.estimates["left"]) == session.regions
    assert set(session.table().region) == set(session.regions)
    assert Session(regions=[]).regions == (WHOLE_SOLE,)
    assert Session().regions == region_names([REGION_SETS[name] for name in REGION_SETS])
    with pytest.raises(ConfigError, match=r"region set 'zonse'.*Did you mean 'zones'"):
        Session(regions=["zonse"])


def test_one_registration_adds_a_set() -> None:
    halves = RegionSet(
        (Region("rear half", (1,)), Region("front half", (2,))),
        label_at=lambda u, v: np.where(u < 0.5, 1, 2).astype(np.uint8),
        digest=lambda: "halves",
    )
    frame, mask = frame_of(30.0, 30.0)
    with REGION_SETS.temporarily("halves", halves, summary="Two halves."):
        entry = Session().add(frame, mask, minute=0)
        assert entry.estimates["left"]["rear half"].pixels > 1000
        with pytest.raises(ConfigError, match="Two regions are called 'front half'"):
            Session(regions=["halves", "halves"])


def test_least_greatest_and_percentiles_by_hand() -> None:
    foot = Foot("left", (120.0, 160.0))
    mask = foot.mask()
    celsius = np.full(SIZE, 22.0)
    values = np.linspace(20.0, 40.0, int(mask.sum()))
    celsius[mask] = np.random.default_rng(3).permutation(values)
    from prismseg.thermal import measure_sole

    found = measure_sole(celsius, mask)[WHOLE_SOLE]
    assert (found.lowest, found.highest) == (20.0, 40.0)
    assert found.percentiles == pytest.approx((21.0, 25.0, 35.0, 39.0), abs=1e-9)

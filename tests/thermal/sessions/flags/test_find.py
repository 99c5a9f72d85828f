from __future__ import annotations

import math

import numpy as np
import pytest
from tests.thermal.sessions.test_session import course

from prismseg.base import ConfigError, Message
from prismseg.thermal import REGIONS, Entry, Estimate, Flag, FlagSettings, find_flags
from prismseg.thermal.sessions.entry import Concern, Observation


def entry(minute: float, left: float, right: float, error: float = 0.05, **regions: float) -> Entry:
    """A measured frame with whole soles of these temperatures; other regions may differ from them."""

    def estimates(mean: float) -> dict[str, Estimate]:
        return {
            region: Estimate(1000, value, 0.5, value, error, 0.0, 0.0)
            for region in REGIONS
            for value in [mean + regions.get(region.split()[0], 0.0)]
        }

    return Entry(minute, f"t{minute:g}", estimates={"left": estimates(left), "right": estimates(right)})


def refused(minute: float) -> Entry:
    return Entry(minute, "bad", observations=(Observation(Concern.NOT_TWO_SOLES, "Only one sole.", fatal=True),))


def flags(*steps: tuple[float, float, float] | Entry, error: float = 0.05, **settings: float) -> list[Flag]:
    entries = [step if isinstance(step, Entry) else entry(*step, error=error) for step in steps]
    found = find_flags(entries, entries[0] if entries[0].minute <= 0 else None, FlagSettings(**settings))
    return [flag for flag in found if flag.name != "quality"]


def brief(found: list[Flag]) -> list[tuple[str, str, str | None]]:
    return [(flag.name, flag.level, flag.side) for flag in found]


T0 = (0.0, 27.0, 27.0)


def test_warming_needs_two_consecutive_frames() -> None:
    assert brief(flags(T0, (5, 28.3, 27.0), (10, 27.2, 27.0), (15, 28.3, 27.0), (18, 27.2, 27.0))) == []
    (flag,) = flags(T0, (5, 27.4, 27.0), (10, 28.2, 27.6), (15, 28.4, 27.7))
    assert (flag.name, flag.level, flag.side, flag.minutes) == ("warming", "present", "left", (10.0, 15.0))
    assert flag.evidence["delta"] == pytest.approx([1.2, 1.4])
    assert "left sole was warmer" in flag.sentence and "1.4 ± 0.1" in flag.sentence
    assert "Stevens" in flag.source and "within" not in flag.sentence
    assert brief(flags(T0, (5, 28.2, 27.0), frames=1)) == [("warming", "present", "left")]
    # The frames count that could be measured.
    assert brief(flags(T0, (5, 28.1, 27.0), refused(7), (9, 28.1, 27.0))) == [("warming", "present", "left")]


def test_the_threshold_itself_counts() -> None:
    exact = (0.0, 27.0, 27.0), (5, 28.0, 28.0), (10, 28.0, 28.0)
    assert brief(flags(*exact)) == [("warming", "present", "left"), ("warming", "present", "right")]
    assert all("within its uncertainty" in flag.sentence for flag in flags(*exact))
    assert brief(flags(T0, (5, 27.99, 27.0), (10, 27.99, 27.0))) == []


def test_warming_is_clear_by_its_size_or_rate() -> None:
    flag = flags(T0, (10, 28.2, 27.4), (20, 29.2, 27.9))[0]
    assert flag.level == "clear" and not flag.evidence["within_uncertainty"] and "clear" in flag.sentence
    (flag,) = flags(T0, (2, 28.2, 27.0), (5, 28.4, 27.0))  # 0.6 °C/min to the first of them
    assert flag.level == "clear" and flag.evidence["fastest_rate"] == pytest.approx(0.6)
    assert "0.6 ± 0.1 °C/min" in flag.sentence
    # Over a quarter of a minute noise makes any rate.
    assert flags(T0, (5, 28.0, 27.0), (5.25, 28.3, 27.0), (6, 28.3, 27.0))[0].level == "present"
    assert brief(flags(T0, (5, 29.5, 27.0), (10, 27.0, 27.0))) == []


def test_a_flag_whose_threshold_is_within_the_error_says_so() -> None:
    sure, unsure = (flags(T0, (10, 28.3, 27.0), (20, 28.3, 27.2), error=error)[0] for error in (0.05, 0.3))
    assert "within its uncertainty" not in sure.sentence and not sure.evidence["within_uncertainty"]
    assert "within its uncertainty" in unsure.sentence and unsure.evidence["within_uncertainty"]
    unsure = flags(T0, (10, 29.1, 27.8), (14, 29.1, 28.2), error=0.2)[0]
    assert unsure.level == "clear" and "within its uncertainty" in unsure.sentence


def test_asymmetry_counts_from_ten_minutes_on() -> None:
    early = flags(T0, (5, 27.0, 28.5), (8, 27.0, 28.5), (9, 27.0, 27.5))
    assert [flag.name for flag in early] == ["warming"]
    late = flags(T0, (9.7, 27.0, 28.5), (15, 27.2, 28.5), (20, 27.2, 27.2))
    (flag,) = [flag for flag in late if flag.name == "asymmetric"]
    assert flag.side == "right" and flag.minutes == (9.7, 15.0)
    assert flag.evidence["right_minus_left"] == pytest.approx([1.5, 1.3]) and "n=60" in flag.source
    assert flag.sentence.startswith("The right sole warmed, and the left one did not.")
    once = flags(T0, (10, 27.0, 28.5), (15, 27.9, 28.2))
    assert not [flag for flag in once if flag.name == "asymmetric"]
    # From one side to the other is not the same difference twice.
    turned = flags(T0, (10, 27.0, 28.5), (15, 28.5, 27.0), (18, 27.0, 27.0))
    assert not [flag for flag in turned if flag.name == "asymmetric"]


def test_asymmetry_is_corrected_for_baseline() -> None:
    assert flags((0, 27.0, 30.0), (10, 27.3, 30.3), (15, 27.3, 30.3)) == []
    left = flags((0, 27.0, 30.0), (10, 28.6, 30.0), (15, 28.6, 30.0))
    assert ("asymmetric", "present", "left") in brief(left)


def test_no_thermal_sign_does_not_exclude_a_block() -> None:
    assert flags(T0, (10, 27.1, 27.1), (15, 27.1, 27.1)) == []
    (flag,) = flags(T0, (10, 27.1, 27.1), (20, 27.4, 26.8))
    assert (flag.name, flag.level, flag.side) == ("no thermal sign yet", "notice", None)
    assert "does NOT exclude a working block" in flag.sentence and "14 of 29" in flag.sentence
    assert "Bruins 2018" in flag.source and "17 %" in flag.source
    assert brief(flags(T0, (19.6, 27.1, 27.1))) == [("no thermal sign yet", "notice", None)]
    assert not [flag for flag in flags(T0, (20, 27.1, 28.2)) if flag.name == "no thermal sign yet"]
    # What warmed and cooled again had a sign.
    assert [flag.name for flag in flags(T0, (5, 28.3, 27.0), (10, 28.3, 27.0), (20, 27.1, 27.1))] == ["warming"]
    (flag,) = flags(T0, (20, 27.9, 27.0), error=0.2)
    assert "within its uncertainty" in flag.sentence


def test_a_warm_baseline_is_uninformative() -> None:
    found = flags((0, 33.8, 33.0), (20, 33.9, 33.2))
    assert brief(found) == [("uninformative", "notice", "left"), ("no thermal sign yet", "notice", None)]
    assert "33.8 ± 0.1 °C" in found[0].sentence and "headroom for a rise (left)" in found[1].sentence
    (flag,) = flags((0, 33.55, 30.0))
    assert "within its uncertainty" in flag.sentence
    assert flags((0, 33.49, 30.0)) == []


def test_small_territories_never_raise_a_flag() -> None:
    warm = [entry(minute, 27.0, 27.0, saphenous=6.0, sural=6.0, medial=6.0) for minute in (5.0, 10.0, 15.0)]
    assert flags(T0, *warm) == []


def test_without_t0_only_the_recording_is_judged() -> None:
    entries = [entry(5, 27.0, 35.0), entry(10, 30.0, 35.0), entry(20, 31.0, 35.0)]
    (flag,) = find_flags(entries, None)
    assert flag.name == "quality" and flag.evidence["concern"] == "no t0"
    assert find_flags([], None) == ()


def test_quality_flags_gather_frames() -> None:
    found = find_flags([entry(*T0), refused(5), refused(10), entry(15, 27.0, 27.0)], entry(*T0))
    (flag,) = [flag for flag in found if flag.name == "quality"]
    assert flag.minutes == (5.0, 10.0) == flag.evidence["without_numbers"]
    assert flag.sentence == "5 to 10 min: Only one sole."


def test_near_identical_cautions_are_one_line_with_their_minutes() -> None:
    """Numbers and sides differ, the sentence is one: the largest speaks for all frames."""
    frames = [entry(*T0)]
    for number, minute in enumerate((5.0, 10.0, 15.0, 20.0)):
        said = [
            Message("The {side} sole is doubted by {x:g} °C.", side=side, x=number) for side in ("left", "right")
        ]
        seen = tuple(Observation(Concern.OUTLINE, each, size=number) for each in said)
        frames.append(Entry(minute, "frame", estimates=frames[0].estimates, observations=seen))
    (flag,) = [flag for flag in find_flags(frames, frames[0]) if flag.name == "quality"]
    assert flag.minutes == (5.0, 10.0, 15.0, 20.0)
    assert flag.sentence == "4 frames, 5 to 20 min, most at 20 min: The left sole is doubted by 3 °C."
    # Of one frame both soles are told.
    (flag,) = [flag for flag in find_flags(frames[:2], frames[0]) if flag.name == "quality"]
    assert flag.sentence == "5 min: The left sole is doubted by 0 °C. The right sole is doubted by 0 °C."


def test_evidence_names_what_is_doubtful_about_the_frames() -> None:
    doubt = Observation(Concern.SHUTTER, "The whole frame jumped.")
    frames = [entry(*T0), entry(10, 29.5, 27.0), entry(15, 29.5, 27.0)]
    frames[1] = Entry(frames[1].minute, "t10", estimates=frames[1].estimates, observations=(doubt,))
    flag = find_flags(frames, frames[0])[0]
    assert flag.name == "warming" and flag.evidence["cautions"] == ["shutter event"]
    assert "shutter event" in flag.sentence


def test_no_flag_is_a_diagnosis() -> None:
    found = flags((0, 33.8, 27.0), (10, 33.8, 29.5), (20, 33.8, 29.5)) + flags(T0, (20, 27.0, 27.0))
    assert {flag.name for flag in found} == {"uninformative", "warming", "asymmetric", "no thermal sign yet"}
    for flag in found:
        assert flag.source and flag.evidence and flag.sentence.endswith(".")
        words = flag.sentence.lower()
        assert not any(
            word in words for word in ("fail", "success", "diagnos", "unilateral", "effective", "patient has")
        )


@pytest.mark.parametrize(
    "settings",
    [
        {"warming": -1.0},
        {"clear_rate": math.nan},
        {"frames": 0},
        {"warming": 3.0},
        {"plausible": (50.0, 5.0)},
        {"jump": math.inf},
    ],
)
def test_settings_that_cannot_be_are_refused(settings: dict) -> None:
    with pytest.raises(ConfigError):
        FlagSettings(**settings)


def test_flags_of_a_whole_session() -> None:
    session = course((0, 27.0, 27.0), (5, 27.3, 27.2), (10, 28.6, 27.1), (15, 30.1, 27.2), (20, 31.0, 27.2))
    assert brief(list(session.flags())) == [("warming", "clear", "left"), ("asymmetric", "present", "left")]
    steady = course(*((minute, 27.0, 27.0) for minute in (0, 1, 5, 10, 15, 20)))
    assert [flag.name for flag in steady.flags()] == ["no thermal sign yet"]
    assert np.isfinite(steady.table().query("region == 'whole sole'").delta).all()


# --- what lasts, and how often it is sampled --------------------------------------------------------------------------


def test_what_is_seen_in_the_last_frame_alone_is_said_but_not_confirmed() -> None:
    found = flags(T0, (10, 27.1, 27.0), (20, 30.0, 27.0))
    assert brief(found) == [("warming", "unconfirmed", "left"), ("asymmetric", "unconfirmed", "left")]
    warming, apart = found
    assert warming.minutes == (20.0,) and "3.0 ± 0.1 °C" in warming.sentence
    assert "only at the end of the session (20 min)" in warming.sentence and "not confirmed" in warming.sentence
    assert apart.sentence.startswith("The left sole warmed, and the right one did not.")
    assert "not confirmed" in apart.sentence
    confirmed = flags(T0, (10, 27.1, 27.0), (20, 30.0, 27.0), (22, 30.0, 27.0))
    assert brief(confirmed) == [("warming", "clear", "left"), ("asymmetric", "present", "left")]
    refuted = flags(T0, (10, 27.1, 27.0), (20, 30.0, 27.0), (22, 27.1, 27.0))
    assert brief(refuted) == [("no thermal sign yet", "notice", None)]


@pytest.mark.parametrize(("apart", "level"), [(0.1, "unconfirmed"), (0.9, "unconfirmed"), (1.0, "present")])
def test_frames_must_lie_a_minute_apart_to_confirm_each_other(apart: float, level: str) -> None:
    steps = [T0, (5.0, 28.5, 28.5), (5.0 + apart, 28.5, 28.5)]
    assert brief(flags(*steps, clear_rate=9)) == [("warming", level, "left"), ("warming", level, "right")]
    late = [flag for flag in flags(T0, (11.0, 28.5, 27), (11.0 + apart, 28.5, 27)) if flag.name == "asymmetric"]
    assert [flag.level for flag in late] == [level]


@pytest.mark.parametrize("every", [1.0, 0.5, 0.25, 0.1])
@pytest.mark.parametrize(
    ("slope", "end", "expected"),
    [
        (0.5, 1.9, [("warming", "clear", "left"), ("asymmetric", "present", "left")]),  # by its rate
        (0.15, 1.5, [("warming", "present", "left"), ("asymmetric", "present", "left")]),
        (0.3, 2.4, [("warming", "clear", "left"), ("asymmetric", "present", "left")]),  # by its size
        (0.5, 0.9, []),
    ],
)
def test_flags_do_not_depend_on_the_sampling_rate(every: float, slope: float, end: float, expected: list) -> None:
    rng = np.random.default_rng(3)
    minutes = np.arange(every, 14.001, every)
    steps = [(float(m), 27 + min(slope * m, end) + rng.normal(0, 0.03), 27 + rng.normal(0, 0.03)) for m in minutes]
    assert brief(flags(T0, *steps, error=0.03)) == expected


def test_a_transient_of_a_moment_raises_nothing() -> None:
    rng = np.random.default_rng(0)
    steps = [(k / 60, 27 + 1.5 * (k in (100, 101)) + rng.normal(0, 0.05), 27.0) for k in range(1, 200)]
    assert flags(T0, *steps) == []


def test_no_flag_where_the_interval_holds_0() -> None:
    wide = T0, (10, 28.2, 27.0), (15, 28.3, 27.0)
    assert brief(flags(*wide, error=0.2)) == [("warming", "present", "left"), ("asymmetric", "present", "left")]
    assert flags(*wide, error=0.6) == []  # 1.3 ± 1.7


@pytest.mark.parametrize(
    ("left", "right", "side", "said"),
    [
        (28.0, 29.5, "right", "The right sole warmed more than the left one."),
        (27.0, 28.5, "right", "The right sole warmed, and the left one did not."),
        (26.5, 28.0, "right", "The right sole warmed, and the left one cooled."),
        (25.5, 27.0, "right", "The left sole cooled, and the right one did not."),
        (25.0, 26.5, "right", "The left sole cooled more than the right one."),
        (27.0, 25.5, "left", "The right sole cooled, and the left one did not."),
        (26.45, 27.55, "right", "The right sole warmed, and the left one cooled."),
    ],
)
def test_an_asymmetry_is_worded_by_what_happened(left: float, right: float, side: str, said: str) -> None:
    found = flags(T0, (10, left, right), (15, left, right))
    (flag,) = [flag for flag in found if flag.name == "asymmetric"]
    assert flag.side == side and flag.sentence.startswith(said + " ")
    assert f"left {left - 27:+.1f} ± 0.1, right {right - 27:+.1f} ± 0.1 °C" in flag.sentence
    assert flag.evidence["delta"] == pytest.approx({"left": left - 27, "right": right - 27})


def test_a_difference_of_which_nobody_knows_whose_it_is() -> None:
    (flag,) = flags(T0, (10, 26.5, 27.7), (15, 26.5, 27.7), error=0.3, warming=2.0, clear_warming=3.0)
    assert flag.sentence.startswith("The right and the left sole changed unlike each other.")


def test_a_jumps_remark_stays_with_flags_that_rest_on_frames_across_it() -> None:
    jump = Observation(Concern.SHUTTER, "The whole frame jumped.")
    frames = [entry(*T0), entry(5, 27.0, 27.0), entry(10, 28.5, 27.0), entry(15, 28.5, 27.0)]
    frames[1] = Entry(5, "t5", estimates=frames[1].estimates, observations=(jump,))
    for flag in find_flags(frames, frames[0])[:2]:
        assert flag.evidence["cautions"] == ["shutter event"], flag.name
        assert "Remarks on its frames: shutter event." in flag.sentence
    before = [entry(*T0), entry(5, 28.5, 27.0), entry(8, 28.5, 27.0), entry(10, 27.0, 27.0)]
    before[3] = Entry(10, "t10", estimates=before[3].estimates, observations=(jump,))
    assert find_flags(before, before[0])[0].evidence["cautions"] == []

"""When frames were taken: clocks, names, stated minutes, and what contradicts itself."""

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prismseg.base import ConfigError, DataError
from prismseg.thermal import Frame, TimedFile, minute_from_name, plan_session, read_files, sort_naturally
from prismseg.thermal.frames.file_names import NamedTime, stamp_from_name, time_from_name


@pytest.mark.parametrize(
    ("name", "number", "unit"),
    [("t0.jpg", 0, None), ("S01_t05.tiff", 5, None), ("P1-T2.5.png", 2.5, None), ("x t20min.csv", 20, "min"),
     ("2023t5.png", 5, None), ("a_t-5.jpg", -5, None), ("a_t-5min.jpg", -5, "min"), ("P1-5min.jpg", 5, "min"),
     ("b_300s.jpg", 300, "s"), ("b_t90 sec.jpg", 90, "s"), ("x_-3min.png", -3, "min"),
     ("S1_t05min_22.6to34.0C.png", 5, "min"), ("t1,5min.csv", 1.5, "min"), ("5min_left.jpg", 5, "min"),
     ("t5min_pieds.jpg", 5, "min"), ("paciente_10min_2.jpg", 10, "min"), ("0 min.jpg", 0, "min"), ("min05.jpg", 5, "min"),
     ("minuto 5.jpg", 5, "min"), ("5 minutos.jpg", 5, "min"), ("5 Minuten.jpg", 5, "min"), ("30seg.jpg", 30, "s"),
     ("5'.jpg", 5, "min"), ("30''.jpg", 30, "s"), ("t1h.jpg", 60, "min"), ("t+5min.jpg", 5, "min"),
     ("T−5min.jpg", -5, "min"), ("t-5min_left.jpg", -5, "min"), ("20 min after block.jpg", 20, "min"),
     ("T2_5min.jpg", 5, "min"), ("t15m.jpg", 15, "min"), ("t5min_300s.jpg", 300, "s"), ("S03_min05_R.jpg", 5, "min"),
     ("film_t5min.seq#0", 5, "min")],
)  # fmt: skip
def test_numbers_in_names(name, number, unit):
    assert time_from_name(Path(name)) == NamedTime(number, unit)
    assert minute_from_name(Path(name)) == pytest.approx(number / 60 if unit == "s" else number)


@pytest.mark.parametrize("name", ["left5.png", "cat5.png", "t5_mask.png", "IMG_0061.jpg", "a.jpg", "patient5.jpg",
                                  "t5min_90s.jpg", "admin5.jpg", "15m.jpg", "minute10of20.jpg", "min-5.jpg", "14h05.jpg",
                                  "20240501_140500.jpg", "B5min2.jpg", "film_t5min.seq#3"])  # fmt: skip
def test_names_without_a_minute(name):
    assert time_from_name(Path(name)) is None and minute_from_name(Path(name)) is None


def frame_at(minute, *, aware=False):
    start = datetime(2024, 5, 1, 12, tzinfo=UTC if aware else None)
    time = None if minute is None else start + timedelta(minutes=minute)
    return Frame(np.linspace(20, 30, 100, dtype=np.float32).reshape(10, 10), time=time)


def shots_of(**clocks):
    """By name (without suffix) the clock's minute; None without a clock, "damaged" for a file that was not read."""

    def read(path):
        if clocks[path.stem] == "damaged":
            raise DataError("It is damaged.")
        return frame_at(clocks[path.stem])

    return read_files([Path(f"{name}.jpg") for name in sorted(clocks)], read)  # sorted as text, as a shell does


def planned(shots, *args, **options):
    return [(shot.path.stem, shot.minute) for shot in plan_session(shots, *args, **options).files]


def test_a_bare_t0_is_the_baseline_beside_clocks() -> None:
    """By its own clock; unread by the names that agree with the clock, else its time is not known."""
    plan = plan_session(shots_of(a=0, t0=5, img2=10))
    assert [(file.path.stem, file.minute) for file in plan.files] == [("a", -5), ("t0", 0), ("img2", 5)]
    assert plan.basis == "the camera's clock, from t0.jpg on"
    assert planned(shots_of(t0="damaged", t5=100, t10=105)) == [("t0", 0), ("t5", 5), ("t10", 10)]
    with pytest.raises(ConfigError, match=r"baseline t0.jpg could not be read(?s:.*)img2.jpg"):
        plan_session(shots_of(t0="damaged", img2=0, img3=5))


def test_a_first_file_that_was_not_read_and_several_cameras_are_remarked() -> None:
    (remark,) = plan_session(shots_of(img1="damaged", img2=0, img3=5)).remarks
    assert remark.startswith("img1.jpg, the first by its name, could not be read: if it was t0")
    assert not plan_session(shots_of(img1=0, img2="damaged", img3=5)).remarks
    files = shots_of(img1=0, img2=5, img3=10)
    files = [replace(file, frame=replace(file.frame, camera=f"E{4 + k % 2}")) for k, file in enumerate(files)]
    (remark,) = plan_session(files).remarks
    assert remark.startswith("The frames come from several cameras (E4: 2, E5: 1), whose clocks may differ")


def test_a_gap_of_hours_is_remarked() -> None:
    """As of two sessions, of a clock of twelve hours, and of a date that stays at midnight."""
    (remark,) = plan_session(shots_of(b=0, c=5, a=715)).remarks
    assert remark.startswith("Between c.jpg and a.jpg lie 12 hours: are they of one session?")
    assert not plan_session(shots_of(a=0, b=230)).remarks


def test_the_clock_orders_and_times_what_names_do_not():
    assert planned(shots_of(img1=0, img10=12, img2=1.5)) == [("img1", 0), ("img2", 1.5), ("img10", 12)]
    # An export whose names count otherwise than the clock: the clock is right.
    assert planned(shots_of(img1=10, img2=0)) == [("img2", 0), ("img1", 10)]
    plan = plan_session(shots_of(a=0, b=5))
    assert "from the first frame on" in plan.basis and "a.jpg  2024-05-01 12:00:00  -     0" in plan.table()


def test_names_that_agree_with_the_clock_set_its_zero():
    plan = planned(shots_of(**{"t-5": 0, "t0": 5.2, "t10": 15.1, "t5": 10}))
    assert plan == [("t-5", -5.2), ("t0", 0), ("t5", pytest.approx(4.8)), ("t10", pytest.approx(9.9))]
    # Seconds are told from minutes by the clock.
    assert planned(shots_of(t0=0, t30=0.5, t300=5)) == [("t0", 0), ("t30", 0.5), ("t300", 5)]
    # One name with a unit is enough.
    assert planned(shots_of(a=0, b_t0min=3, c=8)) == [("a", -3), ("b_t0min", 0), ("c", 5)]


def test_visit_labels_are_not_minutes():
    """T0, T1, T2 at 0, 20 and 45 min by the clock."""
    assert planned(shots_of(T0=0, T1=20, T2=45)) == [("T0", 0), ("T1", 20), ("T2", 45)]
    with pytest.raises(ConfigError, match="may be a visit or seconds"):
        plan_session(shots_of(T0=None, T1=None, T2=None))


def test_names_with_units_order_and_time_without_clocks():
    named = shots_of(**{"t0min": None, "t10min": None, "t5min": None, "t-5min": None})
    assert planned(named) == [("t-5min", -5), ("t0min", 0), ("t5min", 5), ("t10min", 10)]
    assert planned(shots_of(a_0s=None, a_90s=None, a_300s=None)) == [("a_0s", 0), ("a_90s", 1.5), ("a_300s", 5)]
    bare = shots_of(t0=None, t1=None, t10=None, t5=None)
    assert planned(bare, unit="min") == [("t0", 0), ("t1", 1), ("t5", 5), ("t10", 10)]
    assert planned(bare, unit="s")[-1] == ("t10", pytest.approx(10 / 60))


def test_stated_minutes_go_by_number_and_not_by_letter():
    bare = shots_of(t0=None, t1=None, t10=None, t15=None, t5=None)
    expected = [("t0", 0), ("t1", 1), ("t5", 5), ("t10", 10), ("t15", 15)]
    assert planned(bare, [0, 1, 5, 10, 15]) == expected
    images = shots_of(img1=None, img10=None, img2=None)
    assert planned(images, [0, 5, 9]) == [("img1", 0), ("img2", 5), ("img10", 9)]
    assert planned(shots_of(a=5, b=0), [-1, 4]) == [("b", -1), ("a", 4)]


def test_a_single_frame_is_the_baseline():
    assert planned(shots_of(a=None)) == [("a", 0)]
    assert planned(shots_of(a=3)) == [("a", 0)]
    assert planned(shots_of(a_t20min=None)) == [("a_t20min", 20)]


@pytest.mark.parametrize(
    ("clocks", "minutes", "options", "reason"),
    [
        ({"t0": 10, "t10": 0}, None, {}, "in another order than the camera's clock"),
        ({"t0": 0, "t5": 5, "t10": 40}, None, {}, "numbers in the names differ"),
        ({"t0min": 0, "t5min": 9}, None, {}, "minutes in the names differ"),
        ({"t0": 0, "t5": 9}, None, {"unit": "min"}, "minutes in the names differ"),
        ({"a": 0, "b": 9}, [0, 5], {}, "stated minutes differ from the camera's clock"),
        ({"t0min": None, "t5min": None}, [0, 9], {}, "differ from those in the names"),
        ({"a": None, "b": None}, [5, 0], {}, "go back"),
        ({"a": None, "b": None}, [5, 5], {}, "same minute"),
        ({"a_t5min": None, "b_t5min": None}, None, {}, "same minute"),
        ({"t0": None, "t10": None, "t5": None}, [0, 5, 10], {"listed": True}, "another order than that of their names"),
        ({"a": 5, "b": 0}, [0, 5], {"listed": True}, "another order than that of the camera's clock"),
        ({"t0": None, "t5min": None}, None, {}, "not known"),
        ({"a": 0, "b": None}, None, {}, "not known"),
        ({"t0": 10, "t10": 0, "x": 12}, None, {}, "in another order than the camera's clock"),
        ({"t0min": 0, "t5min": 9, "t9min": None}, None, {}, "differ from the clocks that some files have"),
        ({"a": 0, "b": 9, "c": None}, [0, 5, 10], {}, "differ from the clocks that some files have"),
        ({"a": 0, "b": -13_000_000}, None, {}, "lie 9028 days apart"),
        ({"a": None, "b": None}, [0, 1, 2], {}, "3 minutes are stated for 2"),
        ({"a": None, "b": None}, [0, float("nan")], {}, "finite"),
    ],
)  # fmt: skip
def test_contradictions_are_errors_with_a_table(clocks, minutes, options, reason):
    with pytest.raises(ConfigError, match=reason) as caught:
        plan_session(shots_of(**clocks), minutes, **options)
    if reason != "finite":
        lines = str(caught.value).splitlines()
        heads = next(line for line in lines if line.startswith("file"))
        assert heads.split() == ["file", "clock", "name", "minute"]
        assert {line.split()[0] for line in lines[lines.index(heads) + 1 :]} == {f"{name}.jpg" for name in clocks}


def test_clocks_of_some_files_that_agree_are_no_contradiction():
    assert planned(shots_of(t0min=0, t5min=5.4, t9min=None)) == [("t0min", 0), ("t5min", 5), ("t9min", 9)]
    differing = shots_of(t0min=0, t5min=9, t9min=None)
    assert planned(differing, ignore_clock=True) == [("t0min", 0), ("t5min", 5), ("t9min", 9)]


def test_clocks_that_are_wrong_can_be_left_out():
    wrong = shots_of(t0=10, t10=0)
    assert planned(wrong, ignore_clock=True, unit="min") == [("t0", 0), ("t10", 10)]
    assert planned(wrong, [0, 10], ignore_clock=True) == [("t0", 0), ("t10", 10)]


def test_clocks_with_and_without_a_zone_cannot_be_compared():
    shots = [TimedFile(Path("a.jpg"), frame_at(0)), TimedFile(Path("b.jpg"), frame_at(5, aware=True))]
    with pytest.raises(ConfigError, match="not known"):
        plan_session(shots)


def test_a_file_that_was_not_read_does_not_hide_the_clock():
    plan = plan_session(shots_of(a=0, b="damaged", c=5))
    assert [shot.path.stem for shot in plan.files] == ["a", "c"] and "damaged" in plan.untimed[0].rejection
    assert planned(shots_of(a_t0min=0, b_t2min="damaged", c_t5min=5)) == [
        ("a_t0min", 0),
        ("b_t2min", 2),
        ("c_t5min", 5),
    ]
    assert planned(shots_of(a=0, b="damaged", c=5), [0, 2, 5]) == [("a", 0), ("b", 2), ("c", 5)]


@given(st.lists(st.integers(-30, 120), min_size=2, max_size=8, unique=True), st.randoms())
def test_any_order_of_files_gives_the_same_plan(minutes, random):
    names = [f"x_t{minute}min" for minute in minutes]
    shots = shots_of(**dict.fromkeys(names))
    random.shuffle(shots)
    assert [minute for _, minute in planned(shots)] == sorted(minutes)
    assert [minute for _, minute in planned(shots, sorted(minutes))] == sorted(minutes)
    assert [path.stem for path in sort_naturally([shot.path for shot in shots])] == [
        f"x_t{m}min" for m in sorted(minutes)
    ]


def test_why_files_were_not_read_is_said_where_their_times_are_not_known_either():
    with pytest.raises(ConfigError, match=r"(?s)not known.*\nDJI_0001\.jpg was not read: It is damaged") as caught:
        plan_session(shots_of(DJI_0001="damaged", DJI_0002="damaged"))
    assert "DJI_0002.jpg was not read" in str(caught.value)


# --- dates and times of day in names ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "second"),
    [("20261130_101500.jpg", 0), ("IMG_20261130_101501.jpg", 1), ("2026-11-30T10-15-02_R.csv", 2),
     ("P1 2026.11.30 10.15.03.tiff", 3), ("20261130101504.png", 4), ("20261130_101505123.png", 5),
     ("20261130_101506_t5min.jpg", 6)],
)  # fmt: skip
def test_a_stamp_in_a_name(name, second):
    assert stamp_from_name(name) == datetime(2026, 11, 30, 10, 15, second)


@pytest.mark.parametrize("name", ["FLIR0123.jpg", "20261130.jpg", "20261130_9961.jpg", "20261330_101500.jpg",
                                  "20261130_101500_20261130_101600.jpg", "99912345678901.jpg", "20261130_101500.seq#3",
                                  "2026-1130_101500.jpg", "120261130_101500.jpg"])  # fmt: skip
def test_names_without_a_stamp(name):
    assert stamp_from_name(name) is None


def test_stamps_are_no_minutes():
    assert time_from_name("20261130T101500.jpg") is None
    assert time_from_name("20261130_101500_t5min.jpg") == NamedTime(5, "min")


def test_stamps_are_the_clock_where_no_file_holds_a_time():
    names = ("b_20261130_101500", "a_20261130_102000", "c_20261130_103030")
    plan = plan_session(shots_of(**dict.fromkeys(names)))
    assert [(file.path.stem, file.minute) for file in plan.files] == [
        (names[0], 0),
        (names[1], 5),
        (names[2], 15.5),
    ]
    assert str(plan.basis) == "the times in the names, from the first frame on"
    assert "2026-11-30 10:20:00" in plan.table()
    agreeing = plan_session(
        shots_of(**{f"{name}_t{minute}min": None for name, minute in zip(names, (2, 7, 18), strict=True)})
    )
    assert [file.minute for file in agreeing.files] == [2, 7, 17.5]
    with pytest.raises(ConfigError, match="differ from the camera's clock"):
        plan_session(
            shots_of(**{f"{name}_t{minute}min": None for name, minute in zip(names, (0, 9, 15), strict=True)})
        )
    with pytest.raises(ConfigError, match="is not known"):
        plan_session(shots_of(**dict.fromkeys(names)), ignore_clock=True)


def test_stamps_do_not_stand_beside_cameras_clocks():
    """When a file was named may be another clock: where some files hold a time, it is not filled up by names."""
    with pytest.raises(ConfigError, match="is not known"):
        plan_session(shots_of(a_20261130_101500=0, b_20261130_102000=None))
    assert planned(shots_of(a_20261130_101500=5, b_20261130_102000=0)) == [
        ("b_20261130_102000", 0),
        ("a_20261130_101500", 5),
    ]


# --- what a clock or a name may hide ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "minutes"),
    [("5min30s.jpg", 5.5), ("a_t5'30\".jpg", 5.5), ("05m30s.jpg", 5.5), ("1h30min.jpg", 90), ("t-1h05min.jpg", -65),
     ("pre_t-5min.jpg", -5), ("before_0min.jpg", 0)],
)  # fmt: skip
def test_a_time_in_two_units_is_one_time(name, minutes):
    assert time_from_name(name) == NamedTime(minutes, "min")


@pytest.mark.parametrize("name", ["5min_before.jpg", "pre 5min.jpg", "predose_t10min.jpg", "5min_vorher.jpg",
                                  "T0-5min.jpg", "1h_30min.jpg", "14h 05min.jpg"])  # fmt: skip
def test_minutes_that_may_mean_another_time_count_for_nothing(name):
    assert time_from_name(name) is None


def test_halves_of_the_day_in_names_count():
    assert stamp_from_name("2026-05-01 12-59-33 AM.csv") == datetime(2026, 5, 1, 0, 59, 33)
    names = ("2026-05-01 12-59-33 PM", "2026-05-01 01-00-33 PM")
    assert planned(shots_of(**dict.fromkeys(names))) == [(names[0], 0), (names[1], 1)]


def test_a_hour_that_this_machine_left_out_keeps_the_order_of_clocks(monkeypatch):
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        files = [
            TimedFile(Path(f"{name}.jpg"), replace(frame_at(0), time=datetime(2026, 3, 29, hour, minute)))
            for name, hour, minute in (("a", 2, 50), ("b", 3, 0))
        ]
        assert planned(files) == [("a", 0), ("b", 10)]
    finally:
        monkeypatch.undo()
        time.tzset()


def test_equal_clocks_are_a_contradiction():
    with pytest.raises(ConfigError, match=r"(?s)same time by the camera's clock.*b\.jpg +2024-05-01 12:00:00"):
        plan_session(shots_of(a=0, b=0, c=5))
    assert planned(shots_of(a=0, b=0, c=5), [0, 0.5, 5]) == [("a", 0), ("b", 0.5), ("c", 5)]


@pytest.mark.parametrize("minutes", [None, [0, 5]])
def test_a_clock_that_goes_back_within_a_film_is_a_contradiction(minutes):
    files = [TimedFile(Path(f"film.seq#{number}"), frame_at(minute)) for number, minute in ((0, 0), (9, -60))]
    with pytest.raises(ConfigError, match=r"goes back within a film.*\n"):
        plan_session(files, minutes)
    assert planned(files, [0, 5], ignore_clock=True) == [("film", 0), ("film", 5)]


def remarks(files, *args, **options):
    return " ".join(map(str, plan_session(files, *args, **options).remarks))


def test_what_a_clock_lets_doubt_is_remarked():
    assert "count in another order than the clock" in remarks(shots_of(IMG_001=50, IMG_002=55, IMG_003=0))
    assert not remarks(shots_of(IMG_001=0, IMG_002=5, IMG_010=50)) and not remarks(shots_of(b=0, a=5))
    unset = [TimedFile(Path(f"{n}.jpg"), replace(frame_at(0), time=datetime(2000, 1, 1, 0, n))) for n in (1, 6)]
    assert "never set (it shows 2000)" in remarks(unset) and not remarks(unset, [0, 5], ignore_clock=True)
    assert "differ from the camera's clock" in remarks(shots_of(a_20261130_101500=0, b_20261130_102000=30))
    assert not remarks(shots_of(a_20261130_101500=0, b_20261130_102000=5.4))


def test_names_of_two_patients_are_remarked():
    two = dict.fromkeys(("smith_0min", "jones_5min", "smith_10min", "jones_15min"))
    assert "(jones: 2, smith: 2)" in remarks(shots_of(**two))
    assert not remarks(shots_of(**dict.fromkeys(("left_0min", "t5min", "x_10min"))))
    assert not remarks(shots_of(**dict.fromkeys(("20261130_235800", "20261201_000300"))))

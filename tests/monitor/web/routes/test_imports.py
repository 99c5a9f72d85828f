"""Sessions recorded elsewhere: what is sent, checked and kept."""

from __future__ import annotations

import csv
import io
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pypdfium2
import pytest
import tifffile
from tests.monitor.web.conftest import JSON, as_json, delta

from prismseg.base import Message, OutputError
from prismseg.monitor.store import Transaction, verify
from prismseg.monitor.store.files import FileStore
from prismseg.monitor.web.routes.imports import _timed
from prismseg.monitor.web.uploads import UploadedFile
from prismseg.thermal import Frame, minute_from_name, read_frame


def frame_file(celsius, taken: datetime | None = None) -> bytes:
    """Write a TIFF in °C, with the camera's time where it has one."""
    buffer = io.BytesIO()
    tags = []
    if taken is not None:
        tags = [(36867, "s", 0, f"{taken:%Y:%m:%d %H:%M:%S}", True), (36881, "s", 0, "+00:00", True)]
    tifffile.imwrite(buffer, np.asarray(celsius, np.float32), metadata=None, extratags=tags)
    return buffer.getvalue()


@pytest.fixture
def sent(page, camera):
    """Two frames and a file that is none, sent in the wrong order: the answer of the monitor."""
    cold = frame_file(camera.frame().celsius)
    camera.warmer = {"left": 2.0, "right": 1.0}
    warm = frame_file(camera.frame().celsius)
    files = [("files", each) for each in (("a_t20.tiff", warm), ("b.tiff", b"no picture"), ("a_t0.tiff", cold))]
    answer = page.ask("POST", "/api/imports", files=files)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_files_recorded_elsewhere_become_a_session(page, sent, services):
    assert [(each["name"], each["minute"], each["ok"]) for each in sent["files"]] == [
        ("a_t0.tiff", 0.0, True),
        ("a_t20.tiff", 20.0, True),
        ("b.tiff", None, False),
    ]
    assert sent["files"][0]["size"] == [240, 320]
    assert "b.tiff" in sent["files"][2]["reason"]
    assert page.get("/api/sessions").json()["total"] == 0, "nothing is kept before it was confirmed"
    made = page.post(f"/api/imports/{sent['id']}", {"code": "E-IMPORT", "minutes": [0, 20, None]})
    assert made.status_code == 201, made.text
    state = page.get(f"/api/sessions/{made.json()['id']}").json()
    assert (state["code"], state["origin"]) == ("E-IMPORT", "import")
    assert [each["minute"] for each in state["captures"]] == pytest.approx([0, 20], abs=0.01)
    assert delta(state["captures"][1], "left") == pytest.approx(2.0, abs=0.1)
    assert delta(state["captures"][1], "right") == pytest.approx(1.0, abs=0.1)
    again = page.post(f"/api/imports/{sent['id']}", {"code": "E-IMPORT", "minutes": [0, 20, None]})
    assert again.status_code == 404
    assert page.get("/api/sessions").json()["total"] == 1
    assert verify(services.store).ok


def test_files_seen_in_a_mirror_become_the_other_feet(page, sent):
    body = {"code": "E-IMPORT", "minutes": [0, 20, None], "view": "mirrored"}
    made = page.post(f"/api/imports/{sent['id']}", body).json()
    last = page.get(f"/api/sessions/{made['id']}").json()["captures"][1]
    assert delta(last, "right") == pytest.approx(2.0, abs=0.1)
    assert delta(last, "left") == pytest.approx(1.0, abs=0.1)


def test_a_refused_confirmation_keeps_the_files_and_makes_no_session(page, sent):
    for minutes, code in (
        ([0, 20], "E-1"),
        ([None, None, 5], "E-1"),
        ([5, 5, None], "E-1"),
        ([0, 1e9, None], "E-1"),
        ([0, 661, None], "E-1"),
        ([0, float("nan"), None], "E-1"),
        ([0, 20, None], "   "),
        ([0, 20, None], "a\0b"),
        ([0] * 61, "E-1"),
    ):
        body = as_json({"code": code, "minutes": minutes})
        answer = page.ask("POST", f"/api/imports/{sent['id']}", content=body, headers=JSON)
        assert answer.status_code == 422, minutes
    assert page.get("/api/sessions").json()["total"] == 0
    answer = page.post(f"/api/imports/{sent['id']}", {"code": "E-1", "minutes": [0, 660, None]})
    assert answer.status_code == 201, answer.text


def test_a_confirmation_repeated_meanwhile_makes_one_session(page, sent):
    body = {"code": "E-1", "minutes": [0, 20, None]}
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: page.post(f"/api/imports/{sent['id']}", body), range(4)))
    assert sorted(each.status_code for each in answers) == [201, 404, 404, 404]
    assert page.get("/api/sessions").json()["total"] == 1


@pytest.mark.parametrize(("owner", "act"), [(FileStore, "put"), (Transaction, "add_capture")])
def test_an_import_that_failed_half_way_leaves_nothing_and_can_be_repeated(
    page, sent, services, monkeypatch, owner, act
):
    work, calls = getattr(owner, act), []

    def failing(*arguments, **options):
        calls.append(1)
        if len(calls) == 2:
            raise OutputError("The disk is full.")
        return work(*arguments, **options)

    monkeypatch.setattr(owner, act, failing)
    body = {"code": "E-1", "minutes": [0, 20, None]}
    assert page.post(f"/api/imports/{sent['id']}", body).status_code == 507
    assert page.get("/api/sessions").json()["total"] == 0
    assert page.post(f"/api/imports/{sent['id']}", body).status_code == 201
    assert verify(services.store).ok


def test_only_the_last_few_batches_wait(page, camera):
    each = [[("files", ("t0.tiff", frame_file(camera.frame().celsius)))] for _ in range(5)]
    keys = [page.ask("POST", "/api/imports", files=one).json()["id"] for one in each]
    codes = [page.post(f"/api/imports/{key}", {"code": "E-1", "minutes": [0]}).status_code for key in keys]
    assert codes == [404, 201, 201, 201, 201]


@pytest.mark.parametrize(
    ("clocks", "proposed"),
    [
        ({"T0": 0, "T1": 20, "T2": 45}, {"T0": 0, "T1": 20, "T2": 45}),  # visits are no minutes
        ({"a": 0, "b": 5}, {"a": 0, "b": 5}),
        ({"t0": 5, "t5": 0}, {"t0": None, "t5": None}),  # clock and names disagree: nobody guesses
        ({"t0": None, "t5": None}, {"t0": 0, "t5": 5}),  # shown, and confirmed by somebody
        ({"T0": None, "T1": None, "T2": None}, {"T0": None, "T1": None, "T2": None}),  # visits, perhaps
        ({"a_0min": None, "b_1min": None, "c_2min": None}, {"a_0min": 0, "b_1min": 1, "c_2min": 2}),
    ],
)
def test_minutes_are_proposed_by_clocks_and_names(clocks, proposed):
    start = datetime(2026, 5, 1, 10, tzinfo=UTC)
    sent = [
        UploadedFile(
            f"{name}.jpg",
            Frame(
                np.linspace(20, 30, 100, dtype=np.float32).reshape(10, 10),
                time=None if minute is None else start + timedelta(minutes=minute),
            ),
            Message(""),
            minute_from_name(Path(name)),
        )
        for name, minute in clocks.items()
    ]
    sent.append(UploadedFile("broken.jpg", None, Message("damaged"), None))
    found = {each.name.removesuffix(".jpg"): each.minute for each in _timed(sent)}
    assert found == {**proposed, "broken": None}


def test_files_of_other_kinds_are_named(page, camera):
    text = "Emissivity;0,98\n" + "\n".join(
        ";".join(f"{value:.2f}".replace(".", ",") for value in row) for row in camera.frame().celsius
    )
    files = [("a_t0min.txt", text.encode()), ("a_t10.is2", b"\2\1" * 90), ("a_t2.is2", b"\2\1" * 90)]
    answer = page.ask("POST", "/api/imports", files=[("files", each) for each in files]).json()["files"]
    assert [each["name"] for each in answer] == ["a_t0min.txt", "a_t2.is2", "a_t10.is2"]
    assert answer[0]["ok"] and answer[0]["minute"] == 0
    assert not answer[1]["ok"] and "Fluke SmartView" in answer[1]["reason"] and "a_t2.is2" in answer[1]["reason"]


TAKEN = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


def send(page, *files):
    answer = page.ask("POST", "/api/imports", files=[("files", each) for each in files])
    assert answer.status_code == 200, answer.text
    return answer.json()


def pictures(camera, *names, taken=()):
    """Pictures that differ, by name; `taken` are minutes of the camera's clock."""
    times = [None if minute is None else TAKEN + timedelta(minutes=minute) for minute in taken] or [None] * len(
        names
    )
    return [(name, frame_file(camera.frame().celsius, time)) for name, time in zip(names, times, strict=True)]


def test_times_of_day_are_the_cameras(page, camera):
    """Taken weeks ago: neither the day of the import nor its hour appears anywhere."""
    sent = send(page, *pictures(camera, "a.tiff", "b.tiff", "c.tiff", taken=(0, 5, 20)))
    assert [(each["order"], each["minute"]) for each in sent["files"]] == [(1, 0), (2, 5), (3, 20)]
    assert sent["files"][1]["time"] == "2026-03-01T09:35:00.000+00:00"
    assert sent["test_dose_at"] == "2026-03-01T09:30:00+00:00"
    made = page.post(f"/api/imports/{sent['id']}", {"code": "E-1", "minutes": [0, 5, 20]}).json()
    state = page.get(f"/api/sessions/{made['id']}").json()
    assert [each["taken_at"][:16] for each in state["captures"]] == [
        "2026-03-01T09:30", "2026-03-01T09:35", "2026-03-01T09:50",
    ]  # fmt: skip
    assert state["test_dose_at"].startswith("2026-03-01T09:30")
    table = page.get(f"/api/sessions/{made['id']}/table.csv").text
    assert "2026-03-01T09:35" in table
    # Nobody stated the time of the dose: it is derived, and everything that shows it says so.
    assert {row["test_dose_source"] for row in csv.DictReader(io.StringIO(table))} == {"camera"}
    assert ",camera," in page.get(f"/api/sessions/{made['id']}/redcap.csv").text.splitlines()[1]
    sheets = pypdfium2.PdfDocument(page.get(f"/api/sessions/{made['id']}/report.pdf?language=en").content)
    first = " ".join(sheets[0].get_textpage().get_text_range().split())
    assert "Test dose, derived: the camera's clock" in first and "Test dose given" not in first
    audit = page.get("/audit").text
    assert "time of the test dose derived" in audit and ">test dose given<" not in audit


@pytest.mark.parametrize("taken", [(), (0, 45, 50)])
def test_times_that_nobody_knows_are_unknown(page, camera, taken):
    """No picture has a time, or times and minutes contradict each other."""
    sent = send(page, *pictures(camera, "t0min.tiff", "t5min.tiff", "t20min.tiff", taken=taken))
    body = {"code": "E-1", "minutes": [0, 5, 20]}
    assert page.post(f"/api/imports/{sent['id']}/preview", {"minutes": [0, 5, 20]}).json()["test_dose_at"] is None
    made = page.post(f"/api/imports/{sent['id']}", body).json()
    state = page.get(f"/api/sessions/{made['id']}").json()
    assert [each["minute"] for each in state["captures"]] == pytest.approx([0, 5, 20], abs=1e-3)
    assert (state["state"], state["dosed"], state["test_dose_at"]) == ("imported", True, None)
    shown = [TAKEN + timedelta(minutes=minute) for minute in taken] or [None] * 3
    told = [each["taken_at"] and datetime.fromisoformat(each["taken_at"]) for each in state["captures"]]
    assert told == shown, "each is its camera's, whatever minutes say"
    text = page.get(f"/api/sessions/{made['id']}/table.csv").content.decode("utf-8-sig")
    rows = {row["capture"]: (row["test_dose_at"], row["taken_at"]) for row in csv.DictReader(io.StringIO(text))}
    assert [(dose, taken and datetime.fromisoformat(taken)) for dose, taken in rows.values()] == [
        ("", taken or "") for taken in shown
    ]
    assert page.get(f"/api/sessions/{made['id']}/report.pdf?language=en").status_code == 200


def test_an_imported_session_is_closed_to_all_that_a_running_one_does(page, sent):
    made = page.post(f"/api/imports/{sent['id']}", {"code": "E-1", "minutes": [0, 20, None]}).json()
    session = f"/api/sessions/{made['id']}"
    for path, body in (("captures", {}), ("dose", {"seconds_ago": 0}), ("camera", {})):
        answer = page.post(f"{session}/{path}", body)
        assert answer.status_code == 409 and "was imported" in answer.json()["error"], path
    state = page.get(session).json()
    assert (state["state"], state["has_camera"], len(state["captures"])) == ("imported", False, 2)
    listed = page.get("/").text
    assert "imported" in listed and "running" not in listed and "before the test dose" not in listed
    assert page.post(f"{session}/closing").status_code == 200
    assert page.patch(f"{session}/details", {"changed": {"drug": "x"}}).status_code == 409
    assert page.post(f"{session}/signature", {"name": "Ana Pérez"}).json()["signed_by"]
    reopened = page.post(f"{session}/closing", {"closed": False, "reason": "wrong side"}).json()
    assert (reopened["state"], reopened["has_camera"], reopened["signed_at"]) == ("imported", False, None)


def test_the_preview_shows_places_sides_and_what_is_left_out(page, camera):
    (first, second, third) = pictures(camera, "t0min.tiff", "t5min.tiff", "no-time.tiff")
    sent = send(page, second, ("twin.tiff", first[1]), third, first, ("broken.tiff", b"no picture"))
    shown = {each["name"]: each for each in sent["files"]}
    assert shown["broken.tiff"]["reason"] and not shown["broken.tiff"]["picture"]
    assert "the same picture as twin.tiff" in shown["t0min.tiff"]["reason"]
    assert "no minute is known" in shown["no-time.tiff"]["reason"] and shown["no-time.tiff"]["ok"]
    assert shown["t5min.tiff"]["order"] == 1 and not shown["t5min.tiff"]["reason"]
    assert set(shown["t5min.tiff"]["outlines"]) == {"left", "right"}
    minutes = [{"twin.tiff": 0, "t5min.tiff": 5, "no-time.tiff": 2.5}.get(each["name"]) for each in sent["files"]]
    again = page.post(f"/api/imports/{sent['id']}/preview", {"minutes": minutes, "view": "mirrored"}).json()
    placed = {each["name"]: each for each in again["files"]}
    assert [placed[name]["order"] for name in ("twin.tiff", "no-time.tiff", "t5min.tiff")] == [1, 2, 3]
    assert placed["t5min.tiff"]["outlines"]["left"] == shown["t5min.tiff"]["outlines"]["right"]
    k = [each["name"] for each in sent["files"]].index("t5min.tiff")
    assert page.get(f"/api/imports/{sent['id']}/pictures/{k}.png").content[:4] == b"\x89PNG"
    assert page.get(f"/api/imports/{sent['id']}/pictures/59.png").status_code == 404
    assert page.get("/api/sessions").json()["total"] == 0
    minutes[[each["name"] for each in sent["files"]].index("t0min.tiff")] = 9
    refused = page.post(f"/api/imports/{sent['id']}", {"code": "E-1", "minutes": minutes})
    assert refused.status_code == 422 and "t0min.tiff is left out" in refused.json()["error"]


def test_what_may_be_of_two_patients_is_asked(page, camera):
    small = frame_file(camera.frame().celsius[::2, ::2], TAKEN + timedelta(days=1))
    files = [*pictures(camera, "t0min.tiff", taken=(0,)), ("t5min.tiff", small)]
    sent = send(page, *files)
    assert set(sent["questions"]) <= {"sizes", "days"}
    body = {"code": "E-1", "minutes": [0, 5]}
    asked = page.post(f"/api/imports/{sent['id']}/preview", {"minutes": [0, 5]}).json()["questions"]
    assert set(asked) == {"sizes", "days"} and "160 × 120" in asked["sizes"]
    for confirmed in ([], ["sizes"], ["days"]):
        answer = page.post(f"/api/imports/{sent['id']}", {**body, "confirmed": confirmed})
        assert answer.status_code == 409 and answer.json()["error"] in asked.values()
    assert page.get("/api/sessions").json()["total"] == 0
    answer = page.post(f"/api/imports/{sent['id']}", {**body, "confirmed": ["sizes", "days"]})
    assert answer.status_code == 201


def test_several_cameras_are_asked_about(page, camera, monkeypatch):
    names = iter(("FLIR E8", "Lepton 3.5"))  # as radiometric files state them
    monkeypatch.setattr(
        "prismseg.monitor.web.routes.imports.read_frame",
        lambda *given, **stated: replace(read_frame(*given, **stated), camera=next(names)),
    )
    sent = send(page, *pictures(camera, "t0min.tiff", "t5min.tiff"))
    assert [each["camera"] for each in sent["files"]] == ["FLIR E8", "Lepton 3.5"]
    assert "FLIR E8, Lepton 3.5" in sent["questions"]["cameras"]
    body = {"code": "E-1", "minutes": [0, 5]}
    assert page.post(f"/api/imports/{sent['id']}", body).status_code == 409
    assert page.post(f"/api/imports/{sent['id']}", {**body, "confirmed": ["cameras"]}).status_code == 201


def test_a_stored_picture_is_not_imported_into_another_session(page, camera):
    files = pictures(camera, "t0min.tiff", "t5min.tiff")
    first = send(page, *files)
    page.post(f"/api/imports/{first['id']}", {"code": "E-1", "minutes": [0, 5]})
    second = send(page, *files)
    assert ["capture 1 of session E-1" in each["reason"] for each in second["files"]] == [True, False]
    answer = page.post(f"/api/imports/{second['id']}", {"code": "E-2", "minutes": [0, 5]})
    assert answer.status_code == 422 and "stored already" in answer.json()["error"]


def test_what_a_killed_import_left_is_removed_at_the_next_start(open_monitor, tmp_path, capsys):
    left = tmp_path / "data" / "incoming" / "0123456789abcdef"
    left.mkdir(parents=True)
    (left / "0.jpg").write_bytes(b"an original, perhaps with a name in it")
    services = open_monitor()
    assert not list(services.settings.incoming.iterdir())
    assert '"event": "import cleared"' in capsys.readouterr().err


@pytest.mark.parametrize("known", [True, False])
def test_the_list_shows_when_pictures_were_taken_not_the_import(page, camera, known):
    taken = datetime(2026, 5, 4, 9, 30, tzinfo=UTC) if known else None
    sent = [("files", ("t0min.tiff", frame_file(camera.frame().celsius, taken)))]
    batch = page.ask("POST", "/api/imports", files=sent).json()["id"]
    page.post(f"/api/imports/{batch}", {"code": "E-1", "minutes": [0]})
    shown = page.get("/").text.split('class="when">')[1].split("</span>")[0]
    assert shown.startswith('<time datetime="2026-05-04T09:30' if known else "time of day unknown")


def test_reports_have_the_cameras_times_not_the_stated_minutes(page, camera):
    taken = [datetime(2026, 3, 1, 9, 30, tzinfo=UTC), datetime(2026, 3, 1, 9, 35, 40, tzinfo=UTC), None]
    files = [(f"t{5 * k}min.tiff", frame_file(camera.frame().celsius, time)) for k, time in enumerate(taken)]
    sent = send(page, *files)
    made = page.post(f"/api/imports/{sent['id']}", {"code": "E-1", "minutes": [0, 5, 10]}).json()
    text = page.get(f"/api/sessions/{made['id']}/table.csv").content.decode("utf-8-sig")
    rows = {row["capture"]: (row["taken_at"], float(row["minute"])) for row in csv.DictReader(io.StringIO(text))}
    assert [time[:19] for time, _ in rows.values()] == ["2026-03-01T09:30:00", "2026-03-01T09:35:40", ""]
    assert [minute for _, minute in rows.values()] == [0, 5, 10]

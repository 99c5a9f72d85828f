from __future__ import annotations

import socket
import sqlite3
from pathlib import Path

import pytest
from typer.testing import CliRunner

from prismseg.base import ConfigError, OutputError, PrismsegError
from prismseg.cli.main import app
from prismseg.monitor.sessions.details import Details
from prismseg.monitor.store import NotFound, SessionStore


@pytest.fixture
def ward(tmp_path):
    store = SessionStore(tmp_path / "ward")
    with store.write() as transaction:
        made = transaction.add_session("ana", Details(code="E-1"), view="mirrored", camera="none", origin="camera")
        transaction.add_capture(
            "ana", made, key="12345678", taken_at=transaction.at, source="s", camera="none",
            frame_sha256=store.files.put(b"frame"), pixels_sha256="0" * 64, size=(2, 3), parameters={},
        )  # fmt: skip
    store.close()
    return tmp_path / "ward"


def run(*words: object, **options: object):
    return CliRunner().invoke(app, ["monitor", *map(str, words)], **options)


def test_verify_says_that_all_is_well_and_what_was_changed(ward) -> None:
    result = run("verify", "--data", ward)
    assert result.exit_code == 0 and "Nothing was changed." in result.output
    assert "2 audit entries, 2 rows, 1 files checked." in result.output
    with sqlite3.connect(ward / "monitor.db") as database:
        database.execute("UPDATE captures SET width = 4")
    database.close()
    result = run("verify", "--data", ward)
    assert result.exit_code == 1 and "FAULT: captures/" in result.output and "1 faults." in result.output


def test_a_backup_opens_in_place_of_the_store(ward, tmp_path) -> None:
    result = run("backup", tmp_path / "copy", "--data", ward)
    assert result.exit_code == 0 and "1 files copied" in result.output
    assert run("verify", "--data", tmp_path / "copy").exit_code == 0
    again = run("backup", tmp_path / "copy", "--data", ward)
    assert again.exit_code != 0 and "not empty" in str(again.exception)


def test_a_copy_of_the_audit_file_shows_what_was_brought_back(ward, tmp_path) -> None:
    run("backup", tmp_path / "older", "--data", ward)
    store = SessionStore(ward)
    with store.write() as transaction:
        transaction.add_session("ana", Details(code="E-2"), view="mirrored", camera="none", origin="camera")
    store.close()
    assert run("verify", "--data", tmp_path / "older").exit_code == 0
    result = run("verify", "--data", tmp_path / "older", "--earlier", ward / "audit.jsonl")
    assert result.exit_code == 1 and "gone from the database" in result.output


def test_a_stopped_monitor_is_told_from_a_changed_one(ward) -> None:
    path = ward / "audit.jsonl"
    path.write_bytes(path.read_bytes()[:-10])
    result = run("verify", "--data", ward)
    assert result.exit_code == 0 and "The last 1 entries are not in the audit file yet" in result.output


def test_users_come_and_go(ward) -> None:
    assert run("user", "add", "ana", "--data", ward, input="correct horse\ncorrect horse\n").exit_code == 0
    assert run("user", "list", "--data", ward).output.strip() == "ana   (staff)"
    assert run("user", "disable", "ana", "--data", ward).exit_code == 0
    assert "(disabled)" in run("user", "list", "--data", ward).output
    short = run("user", "add", "eva", "--data", ward, input="short\nshort\n")
    assert isinstance(short.exception, ConfigError) and "10 to 200" in str(short.exception)
    with sqlite3.connect(ward / "monitor.db") as database:
        stored = str(database.execute("SELECT * FROM users").fetchall())
        audited = str(database.execute("SELECT * FROM audit").fetchall())
    database.close()
    assert "$argon2" in stored and "correct horse" not in stored + audited


def test_users_are_added_before_the_first_start(tmp_path) -> None:
    folder = tmp_path / "new" / "ward"
    added = run("user", "add", "ana", "--data", folder, input="correct horse\ncorrect horse\n")
    assert added.exit_code == 0 and "begin with this user" in added.output
    assert run("user", "list", "--data", folder).output.strip() == "ana   (staff)"


def test_users_have_roles_and_wards_and_may_be_a_pin(ward) -> None:
    words = ("correct horse\n" * 2,)
    done = run("user", "add", "eva", "--role", "reviewer", "--ward", "A", "--data", ward, input=words[0])
    assert done.exit_code == 0 and "eva   (reviewer, A)" in run("user", "list", "--data", ward).output
    wrong = run("user", "add", "eva", "--role", "boss", "--data", ward, input=words[0])
    assert isinstance(wrong.exception, ConfigError) and "staff, reviewer, administrator" in str(wrong.exception)
    refused = run("user", "pin", "--data", ward, input="274915\n274915\n")
    assert isinstance(refused.exception, ConfigError) and "names of their own" in str(refused.exception)


def test_a_pin_comes_and_goes(tmp_path) -> None:
    assert run("user", "pin", "--data", tmp_path / "ward", input="274915\n274915\n").exit_code == 0
    assert run("user", "pin", "--remove", "--data", tmp_path / "ward").exit_code == 0
    again = run("user", "pin", "--remove", "--data", tmp_path / "ward")
    assert isinstance(again.exception, ConfigError) and "no PIN" in str(again.exception)


def test_a_patient_is_erased_only_with_yes(ward) -> None:
    assert "would be erased" in run("erase", "E-1", "--data", ward).output
    assert run("erase", "E-1", "--yes", "--data", ward).output == "E-1: 1 sessions and 1 files erased.\n"
    assert isinstance(run("erase", "E-1", "--yes", "--data", ward).exception, NotFound)
    assert isinstance(run("erase", "--data", ward).exception, ConfigError)
    assert run("erase", "--older-than", "30", "--data", ward).output == ""
    assert run("verify", "--data", ward).exit_code == 0


def test_what_cannot_be_opened_is_said_before_a_password_is_asked_for(tmp_path) -> None:
    (tmp_path / "ward").write_text("a file")
    added = run("user", "add", "ana", "--data", tmp_path / "ward", input="x\nx\n")
    assert isinstance(added.exception, PrismsegError) and "Password" not in added.output
    named = run("user", "add", "Staff", "--data", tmp_path / "other", input="x\nx\n")
    assert isinstance(named.exception, ConfigError) and "Password" not in named.output
    assert not (tmp_path / "other").exists()


def test_a_folder_that_cannot_be_written_is_named(ward) -> None:
    for name in ("monitor.lock", "audit.lock"):
        (ward / name).unlink(missing_ok=True)
        (ward / name).mkdir()
        result = run("user", "disable", "nobody", "--data", ward) if name == "audit.lock" else start(ward)
        assert isinstance(result.exception, OutputError) and name in str(result.exception), result.output
        (ward / name).rmdir()


def start(ward):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    return run("--data", ward, "--no-open", "--empty", "--port", str(port))


def test_other_machines_need_encryption_and_users(ward) -> None:
    result = run("--host", "10.0.0.5", "--data", ward, "--no-open")
    assert isinstance(result.exception, ConfigError) and "encrypted" in str(result.exception)


def test_a_wrong_folder_is_named(tmp_path) -> None:
    result = run("verify", "--data", tmp_path / "none")
    assert isinstance(result.exception, ConfigError) and "--data" in str(result.exception)


def test_a_folder_without_a_store_stays_as_it_is(tmp_path) -> None:
    result = run("verify", "--data", tmp_path)
    assert isinstance(result.exception, ConfigError) and "no monitor's database" in str(result.exception)
    assert list(tmp_path.iterdir()) == []


def test_the_parts_are_listed() -> None:
    result = run("parts")
    assert result.exit_code == 0 and "| fastapi |" in result.output


def test_help_has_examples() -> None:
    assert "prismseg monitor --camera uvc:0,kind=lepton" in run("--help").output


@pytest.mark.skipif(not Path("/sys/kernel").is_dir(), reason="needs a folder that nobody can write, root neither")
def test_a_folder_that_cannot_be_written_is_named_without_a_traceback() -> None:
    with pytest.raises(OutputError, match="/sys/kernel/ward") as told:
        run("--data", "/sys/kernel/ward", "--empty", "--no-open", catch_exceptions=False)
    assert "rite" in str(told.value)

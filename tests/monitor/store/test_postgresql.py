"""The store on a real PostgreSQL: Debian's server, started by the test, or the one that an address names."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from prismseg.base import ConfigError, OutputError
from prismseg.monitor.store import Store, verify
from prismseg.monitor.ward import Ward

from .scene import Seer, frame, soles

pytest.importorskip("psycopg")
ADDRESS = "PRISMSEG_TEST_POSTGRESQL"


def program(name: str) -> str | None:
    found = shutil.which(name) or max(map(str, Path("/usr/lib/postgresql").glob(f"*/bin/{name}")), default=None)
    return found if os.geteuid() or _owner() else None


def _owner() -> str | None:
    """The server refuses to run as root; Debian's package brings a user for it."""
    try:
        return pwd.getpwnam("postgres").pw_name
    except KeyError:
        return None


def run(*command: str) -> None:
    words = ["runuser", "-u", "postgres", "--", *command] if os.geteuid() == 0 else list(command)
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/")


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    if os.environ.get(ADDRESS):
        yield os.environ[ADDRESS]
        return
    initdb, pg_ctl = program("initdb"), program("pg_ctl")
    if initdb is None or pg_ctl is None:
        pytest.skip(f"needs Debian's postgresql (apt-get install postgresql), or an address in {ADDRESS}")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder = tempfile.mkdtemp(prefix="prismseg-postgresql-")
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
    data = f"{folder}/data"
    try:
        run(initdb, "--auth=trust", "--username=postgres", "--encoding=UTF8", "-D", data)
        options = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories={folder}"
        run(pg_ctl, "-D", data, "-o", options, "-l", f"{folder}/log", "-w", "start")
        try:
            yield f"postgresql+psycopg://postgres@127.0.0.1:{port}/postgres"
        finally:
            run(pg_ctl, "-D", data, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def url(server: str) -> str:
    """An empty database."""
    from sqlalchemy import create_engine

    engine = create_engine(server)
    with engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    engine.dispose()
    return server


@pytest.fixture
def ward(url: str, tmp_path: Path) -> Iterator[Ward]:
    store = Store(tmp_path / "ward", url)
    made = Ward(store, Seer())
    made.session = made.begin("ana", {"code": "E-Ñ1"}, camera="none")
    yield made
    store.close()


def capture(ward: Ward, number: int, **degrees: float) -> int:
    return ward.capture("ana", ward.session, frame(number, **degrees), key=f"key-{number}", camera="none")


def test_a_session_is_kept_opened_again_and_verified(ward: Ward, url: str) -> None:
    capture(ward, 1)
    ward.give_dose("ana", ward.session)
    capture(ward, 2, left=31.0)
    folder = ward.store.folder
    verdict = verify(ward.store)
    assert verdict.ok and verdict.files == 3  # two frames; both looks are the same
    row, rebuilt = ward.rebuilt(ward.session)
    assert row.code == "E-Ñ1" and rebuilt.session.delta(rebuilt.session.entries[1], "left").value == pytest.approx(
        3, abs=0.1
    )
    ward.store.close()
    again = Store(folder, url)
    assert verify(again).ok
    _, same = Ward(again, Seer()).rebuilt(ward.session)
    assert same.session.table().equals(rebuilt.session.table())
    again.close()


def test_corrections_are_undone_and_redone(ward: Ward) -> None:
    capture(ward, 1)
    with ward.store.read() as db:
        before = db.execute(text("select mask_id from captures")).scalar()
    ward.correct("ana", ward.session, 1, soles(), before=before)
    ward.undo("ana", ward.session, 1)
    ward.redo("ana", ward.session, 1)
    assert verify(ward.store).ok


def test_the_audit_table_takes_no_change(ward: Ward) -> None:
    for statement in ("UPDATE audit SET who = 'eve'", "DELETE FROM audit", "TRUNCATE audit"):
        with pytest.raises(DBAPIError, match="never changed"), ward.store.engine.begin() as connection:
            connection.execute(text(statement))


def test_a_changed_row_is_found(ward: Ward) -> None:
    capture(ward, 1)
    with ward.store.engine.begin() as connection:
        connection.execute(text("UPDATE captures SET width = 4"))
    assert [fault.split("/")[0] for fault in verify(ward.store).faults] == ["captures"]


def test_two_who_write_at_once_extend_one_chain(ward: Ward) -> None:
    def describe(number: int) -> None:
        ward.describe("ana", ward.session, {"parity": number % 10})

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(describe, range(20)))
    assert verify(ward.store).ok


def test_the_tables_are_those_of_the_models(ward: Ward) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.runtime.migration import MigrationContext

    from prismseg.monitor.store.schema import Base

    with ward.store.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []


def test_a_server_that_does_not_answer_is_named_without_its_password(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be used") as caught:
        Store(tmp_path / "ward", "postgresql+psycopg://ana:secret@127.0.0.1:1/none")
    assert "secret" not in str(caught.value)


def test_a_wrong_address_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be used"):
        Store(tmp_path / "ward", "nodatabase://here")

"""Databases that the store's tests run on: SQLite, and a real PostgreSQL where there is one."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text

ADDRESS = "PRISMSEG_TEST_POSTGRESQL"


def program(name: str) -> str | None:
    """Debian keeps the server's programs off the PATH."""
    return shutil.which(name) or max(map(str, Path("/usr/lib/postgresql").glob(f"*/bin/{name}")), default=None)


def unprivileged() -> str | None:
    """The server refuses to run as root; Debian's package brings a user for it."""
    if os.geteuid() != 0:
        return None
    return pwd.getpwnam("postgres").pw_name


def run(*command: str) -> None:
    owner = unprivileged()
    done = subprocess.run(
        command, user=owner, group=owner, extra_groups=None if owner is None else [], cwd="/",
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 0, f"{' '.join(command)} ended with {done.returncode}"


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """Address of a PostgreSQL on which databases may be made: the one that is named, or one started for the tests."""
    pytest.importorskip("psycopg")
    if os.environ.get(ADDRESS):
        yield os.environ[ADDRESS]
        return
    initdb, pg_ctl = program("initdb"), program("pg_ctl")
    if initdb is None or pg_ctl is None:
        pytest.skip(f"needs Debian's postgresql (apt-get install postgresql), or an address in {ADDRESS}")
    try:
        owner = unprivileged()
    except KeyError:
        pytest.skip("root may not run PostgreSQL, and there is no user postgres")
    folder = tempfile.mkdtemp(prefix="pg-", dir="/tmp")  # a socket's path must be short
    if owner is not None:
        shutil.chown(folder, owner, owner)
    data = f"{folder}/data"
    # A socket in a folder of its own: no port that somebody else may have. These data need not outlive the tests.
    options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off"
    try:
        run(initdb, "--auth=trust", "--username=postgres", "--encoding=UTF8", "--no-sync", "-D", data)
        run(pg_ctl, "-D", data, "-o", options, "-l", f"{folder}/log", "-w", "start")
        try:
            yield f"postgresql+psycopg://postgres@/postgres?host={folder}"
        finally:
            run(pg_ctl, "-D", data, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def empty_database(server: str) -> Iterator[Callable[[], str]]:
    """Make empty databases on the server; those that are there are left alone."""
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    made: list[str] = []

    def make() -> str:
        made.append(f"prismseg_test_{uuid.uuid4().hex}")
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {made[-1]} TEMPLATE template0"))
        return make_url(server).set(database=made[-1]).render_as_string(hide_password=False)

    yield make
    with engine.connect() as connection:
        for name in made:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    engine.dispose()


@pytest.fixture
def url(empty_database: Callable[[], str]) -> str:
    """An empty database on PostgreSQL."""
    return empty_database()


@pytest.fixture(params=["sqlite", "postgresql"])
def fresh(request: pytest.FixtureRequest) -> Callable[[], str | None]:
    """Addresses of empty databases of each kind; None is SQLite in the store's folder."""
    return (lambda: None) if request.param == "sqlite" else request.getfixturevalue("empty_database")

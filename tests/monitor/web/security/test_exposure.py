"""Who can reach the page at all: the address it binds to, and what must be there before others can."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from http.client import HTTPConnection
from pathlib import Path
from time import monotonic, sleep

import pytest
from tests.monitor.web.conftest import NAME, PASSWORD, browsing, make_certificate
from typer.testing import CliRunner

from prismseg.base import ConfigError, OutputError
from prismseg.cli.main import app
from prismseg.monitor.web import serve as serving
from prismseg.monitor.web.security.exposure import check_exposure
from prismseg.monitor.web.settings import MonitorSettings

OTHERS = ("0.0.0.0", "::", "10.0.0.5", "ward.hospital", "", "2130706433", "0", "::ffff:0.0.0.0")


@pytest.fixture(scope="module")
def tls(tmp_path_factory):
    return make_certificate(tmp_path_factory.mktemp("tls"))


@pytest.mark.parametrize("host", OTHERS)
def test_other_hosts_need_encryption(tmp_path, host):
    with pytest.raises(ConfigError, match="encrypted"):
        check_exposure(MonitorSettings(data=tmp_path, host=host), users=1)


@pytest.mark.parametrize("host", OTHERS)
def test_other_hosts_need_users(tmp_path, tls, host):
    with pytest.raises(ConfigError, match="log in"):
        check_exposure(MonitorSettings(data=tmp_path, host=host, **tls), users=0)


@pytest.mark.parametrize("host", OTHERS)
def test_other_hosts_are_served_with_both(tmp_path, tls, host):
    settings = MonitorSettings(data=tmp_path, host=host, names=("ward.hospital",), **tls)
    check_exposure(settings, users=1)
    assert settings.secure and not settings.local and "ward.hospital" in settings.hosts


@pytest.mark.parametrize("host", OTHERS)
def test_who_serves_everywhere_states_a_name_to_ask_for(tmp_path, tls, host):
    settings = MonitorSettings(data=tmp_path, host=host, **tls)
    if host in ("10.0.0.5", "ward.hospital", "2130706433"):
        assert host in settings.hosts
        check_exposure(settings, users=1)
    else:
        with pytest.raises(ConfigError, match="--name"):
            check_exposure(settings, users=1)


@pytest.mark.parametrize("host", ("127.0.0.1", "127.0.0.9", "::1", "localhost"))
def test_this_machine_needs_neither(tmp_path, host):
    settings = MonitorSettings(data=tmp_path, host=host)
    check_exposure(settings, users=0)
    assert settings.local and not settings.secure


def test_half_of_tls_and_missing_files_are_refused(tmp_path, tls):
    with pytest.raises(ConfigError, match="both"):
        check_exposure(MonitorSettings(data=tmp_path, certificate=tls["certificate"]), users=1)
    missing = MonitorSettings(data=tmp_path, certificate=tls["certificate"], key=tmp_path / "none.key")
    with pytest.raises(ConfigError, match=r"There is no file .*none\.key"):
        check_exposure(missing, users=1)


def test_certificates_that_no_server_could_begin_with_are_refused(tmp_path, tls):
    other = make_certificate(tmp_path, "other")
    (tmp_path / "junk.pem").write_text("junk")
    locked = tmp_path / "locked.key"
    words = ["-aes256", "-passout", "pass:secret", "-in", tls["key"], "-out", locked]
    subprocess.run(["openssl", "rsa", *words], check=True, capture_output=True)
    for key in (other["key"], tmp_path / "junk.pem", locked):
        settings = MonitorSettings(data=tmp_path, certificate=tls["certificate"], key=key)
        with pytest.raises(ConfigError, match=rf"{key.name} cannot be used for TLS"):
            check_exposure(settings, users=1)


def test_a_disabled_user_is_none(tmp_path, tls, open_monitor):
    services = open_monitor()
    services.users.add(NAME, PASSWORD)
    services.users.disable(NAME)
    services.store.close()
    with pytest.raises(ConfigError, match="log in"):
        open_monitor(host="0.0.0.0", **tls)


def test_disabling_the_last_user_opens_the_page_to_nobody(open_monitor):
    services = open_monitor()
    services.users.add(NAME, PASSWORD)
    services.users.disable(NAME)
    with browsing(services) as page:
        assert page.get("/api/sessions").status_code == 401
        assert page.get("/", follow_redirects=False).headers["location"] == "/login"


def test_the_server_gets_the_checked_address_and_trusts_no_forwarded_one(services, monkeypatch):
    seen = {}

    class Server:
        def __init__(self, config):
            seen.update(vars(config))

        def run(self, sockets):
            assert sockets == []

    monkeypatch.setattr(serving.uvicorn, "Server", Server)
    serving.serve(services, [])
    assert (seen["host"], seen["port"]) == ("127.0.0.1", 8080)
    assert not seen["proxy_headers"]
    assert not seen["access_log"]  # addresses of pages hold codes


def test_ipv6_addresses_are_written_and_known_in_brackets(tmp_path):
    settings = MonitorSettings(data=tmp_path, host="fe80::5", names=("Ward.Hospital",))
    assert {"[fe80::5]", "[::1]", "ward.hospital"} <= settings.hosts


@pytest.fixture(scope="module")
def process(tmp_path_factory):
    """The monitor as it is started by a person, on a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder = tmp_path_factory.mktemp("ward")
    source = Path(serving.__file__).parents[3]
    command = [
        sys.executable,
        "-c",
        "from prismseg.cli.main import run; run()",
        "monitor",
        "--empty",
        "--no-open",
        f"--port={port}",
    ]
    with (folder / "log").open("w") as log:
        running = subprocess.Popen(
            command, cwd=folder, env={**os.environ, "PYTHONPATH": str(source)}, stdout=log, stderr=log
        )
    deadline = monotonic() + 60
    while True:
        try:
            ask(port, "/health")
            break
        except OSError:
            assert running.poll() is None, (folder / "log").read_text()
            assert monotonic() < deadline, "the monitor does not start"
            sleep(0.2)
    yield running.pid, port
    running.send_signal(signal.SIGTERM)
    running.wait(timeout=20)


def ask(port, path, host=None, method="GET"):
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request(method, path, headers={"Host": host or f"127.0.0.1:{port}"})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="sockets of a process are looked up in /proc")
def test_by_default_nothing_listens_but_on_this_machine(process):
    pid, port = process
    links = {str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir()}
    own = {found.group(1) for link in links if (found := re.fullmatch(r"socket:\[(\d+)\]", link))}
    listening = []
    for table in ("tcp", "tcp6", "udp", "udp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            columns = line.split()
            if columns[9] in own and columns[3] in ("0A", "07"):  # listening, or an open UDP port
                listening.append((table, columns[1]))
    assert listening == [("tcp", f"0100007F:{port:04X}")]


def test_a_real_server_refuses_other_names_and_damaged_requests(process):
    _, port = process
    assert ask(port, "/").status == 200
    assert ask(port, "/", host="attacker.example").status == 421
    assert ask(port, "/api/sessions", host=f"127.0.0.1:{port}/static/x").status in (400, 421)
    for line in (
        b"GET /?text=\xff HTTP/1.1",
        b"GET /\xff%00 HTTP/1.1",
        b"GET http://[ HTTP/1.1",
        b"BREW / HTTP/1.1",
    ):
        with socket.create_connection(("127.0.0.1", port), timeout=10) as raw:
            raw.sendall(line + b"\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
            status = raw.recv(4096).split(b" ")[1]
        assert 400 <= int(status) < 500, line


def test_a_port_that_is_taken_is_told_before_anything_is_opened(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(OutputError, match=f"127.0.0.1:{port}: another program is there already"):
            serving.bind_sockets(MonitorSettings(data=tmp_path / "data", port=port))
        command = ["monitor", "--empty", "--no-open", f"--port={port}", f"--data={tmp_path / 'data'}"]
        done = CliRunner().invoke(app, command)
    assert done.exit_code == 1
    assert "another program is there already" in done.output + str(done.exception)
    assert "The monitor is at" not in done.output and not (tmp_path / "data").exists()


def test_sockets_are_taken_on_each_address_of_a_name(tmp_path):
    taken = serving.bind_sockets(MonitorSettings(data=tmp_path, host="localhost", port=0))
    try:
        assert {each.getsockname()[0] for each in taken} <= {"127.0.0.1", "::1"} and taken
        with pytest.raises(OutputError, match="does not have that address"):
            serving.bind_sockets(MonitorSettings(data=tmp_path, host="192.0.2.1", port=0))
    finally:
        for each in taken:
            each.close()

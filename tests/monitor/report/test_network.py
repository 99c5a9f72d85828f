"""DICOM over the network, against DCMTK's archive and worklist where they are installed."""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from time import monotonic

import pytest

from prismseg.base import ConfigError, OutputError
from prismseg.monitor.report import network
from prismseg.monitor.report.network import DicomNode, WorklistItem, _item, find_worklist, send_report

from .conftest import in_utc, made

pydicom = pytest.importorskip("pydicom")
pytest.importorskip("highdicom")
pytest.importorskip("pynetdicom")

DAY = date(2026, 5, 4)
ITEM = """
(0008,0005) CS [ISO_IR 192]
(0008,0050) SH [{accession}]
(0010,0010) PN [Somebody^Real]
(0010,0020) LO [{patient}]
(0010,0030) DA
(0010,0040) CS [F]
(0020,000d) UI [1.2.3.{day}]
(0032,1060) LO [Epidural]
(0040,0100) SQ
(fffe,e000) -
(0008,0060) CS [{modality}]
(0040,0001) AE [PRISMSEG]
(0040,0002) DA [{day}]
(0040,0003) TM [{time}]
(0040,0007) LO [Epidural]
(0040,0009) SH [1]
(fffe,e00d) -
(fffe,e0dd) -
(0040,1001) SH [{accession}]
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(*command: str, port: int) -> Iterator[None]:
    if shutil.which(command[0]) is None:
        pytest.skip("needs Debian's dcmtk: apt-get install dcmtk")
    started = subprocess.Popen([*command, str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until = monotonic() + 30
    try:
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert started.poll() is None and monotonic() < until
        yield
    finally:
        started.terminate()
        started.wait()


@pytest.fixture(scope="module")
def short():
    return made((-1.5, 5.0), failed=())


def test_an_archive_takes_every_file_as_it_was_written(short, tmp_path: Path) -> None:
    port = free_port()
    with running("storescp", "--output-directory", str(tmp_path), "--prefer-little", port=port):
        assert send_report(short, DicomNode("STORESCP", "127.0.0.1", port), in_utc("en")) == 5
    files = [pydicom.dcmread(path) for path in tmp_path.iterdir()]
    assert sorted(each.Modality for each in files) == ["DOC", "SEG", "SEG", "TG", "TG"]
    assert {each.PatientID for each in files} == {"E-Ñ7"} and {str(each.PatientName) for each in files} == {""}
    frame = next(each for each in files if each.Modality == "TG" and each.InstanceNumber == 1)
    celsius = frame.pixel_array * float(frame.RescaleSlope) + float(frame.RescaleIntercept)
    assert abs(celsius - short.session.entries[0].frame.celsius).max() <= 0.0051


def test_an_archive_that_refuses_or_is_not_there_is_named(short) -> None:
    port = free_port()
    with (
        running("storescp", "--refuse", port=port),
        pytest.raises(OutputError, match="must know the title PRISMSEG"),
    ):
        send_report(short, DicomNode("STORESCP", "127.0.0.1", port), in_utc("en"))
    with pytest.raises(OutputError, match="does not answer"):
        send_report(short, DicomNode("NOBODY", "127.0.0.1", free_port()), in_utc("en"))


def test_a_worklist_gives_codes_of_the_day_and_no_names(tmp_path: Path) -> None:
    folder = tmp_path / "WARD"
    folder.mkdir()
    (folder / "lockfile").touch()
    if shutil.which("dump2dcm") is None:
        pytest.skip("needs Debian's dcmtk: apt-get install dcmtk")
    for number, (patient, day, time) in enumerate(
        [
            ("E-2", "20260504", "093000"),
            ("E-1", "20260504", "081500"),
            ("E-3", "20260505", "080000"),
            ("ÑANDÚ-山", "20260504", "100000"),  # the server leaves the character set out of its answers
        ]
    ):
        dump = tmp_path / "item.dump"
        dump.write_text(
            ITEM.format(patient=patient, day=day, time=time, accession=f"A{number}", modality="TG"),
            encoding="utf-8",
        )
        subprocess.run(["dump2dcm", "-q", str(dump), str(folder / f"{number}.wl")], check=True)
    port = free_port()
    with running("wlmscpfs", "--data-files-path", str(tmp_path), port=port):
        found = find_worklist(DicomNode("WARD", "127.0.0.1", port), DAY)
        assert [(item.patient, item.accession, item.time) for item in found] == [
            ("E-1", "A1", "081500"),
            ("E-2", "A0", "093000"),
            ("ÑANDÚ-山", "A3", "100000"),
        ]
        assert all(item.description == "Epidural" for item in found) and "Somebody" not in repr(found)
        assert find_worklist(DicomNode("WARD", "127.0.0.1", port), DAY, modality="CT") == []


def test_odd_entries_of_a_worklist_are_one_line_each() -> None:
    entry = pydicom.Dataset()
    entry.PatientID, entry.AccessionNumber, entry.RequestedProcedureDescription = (
        "E-3\\X",
        "A1",
        "two\r\nlines \x07",
    )
    assert _item(entry) == WorklistItem("E-3\\X", "A1", "", "", "two lines")
    assert _item(None).patient == "" == _item(pydicom.Dataset()).patient


def test_an_archive_that_takes_the_call_and_says_nothing_is_given_up(short, monkeypatch) -> None:
    monkeypatch.setattr(network, "_GREETING", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(OutputError, match="does not answer"):
        send_report(short, DicomNode("SILENT", "127.0.0.1", silent.getsockname()[1]), in_utc("en"))


@pytest.mark.parametrize("text", ["", "A@b", "A@b:0", "A@b:70000", "A:1", "a" * 17 + "@b:1", "A@b:1:2"])
def test_nodes_are_written_in_one_way(text: str) -> None:
    with pytest.raises(ConfigError, match="TITLE@host:port"):
        DicomNode.parse(text)


def test_nodes_are_read() -> None:
    assert DicomNode.parse("ARCHIVE@[::1]:104") == DicomNode("ARCHIVE", "::1", 104)
    assert str(DicomNode.parse("ARCHIVE@pacs:104")) == "ARCHIVE@pacs:104"

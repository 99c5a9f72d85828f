"""DICOM over the network: reports to an archive (C-STORE), codes from a worklist (C-FIND). Extra ``[dicom]``."""

from __future__ import annotations

import contextlib
import re
import tempfile
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prismseg.base import ConfigError, Message, OutputError
from prismseg.monitor.languages import Language
from prismseg.monitor.report.content import Report
from prismseg.monitor.report.dicom import write_dicom

if TYPE_CHECKING:
    from pynetdicom.ae import ApplicationEntity
    from pynetdicom.association import Association

CALLING = "PRISMSEG"
_SECONDS = 20.0  # for the connection and each answer; an archive may write a file to tape
_GREETING = 10.0  # for the association to be agreed on
_SUCCESS, _PENDING, _WARNINGS = 0x0000, (0xFF00, 0xFF01), range(0xB000, 0xC000)
_WRITTEN = re.compile(r"(?P<called>[^@:]{1,16})@(?P<host>[^@:]+|\[[0-9A-Fa-f:]+\]):(?P<port>[0-9]{1,5})")


@dataclass(frozen=True)
class DicomNode:
    """Somebody who speaks DICOM.

    Attributes
    ----------
    called : str
        Its application entity title.
    host, port
        Where it is.
    calling : str
        What this monitor is called, which archives often have to know.
    """

    called: str
    host: str
    port: int
    calling: str = CALLING

    @classmethod
    def parse(cls, text: str, calling: str = CALLING) -> DicomNode:
        """Read ``TITLE@host:port``.

        Raises
        ------
        ConfigError
            When it is not written so.

        Examples
        --------
        >>> from prismseg.monitor.report.network import DicomNode
        >>> DicomNode.parse("ARCHIVE@pacs.hospital:11112").port
        11112
        """
        found = _WRITTEN.fullmatch(text)
        if found is None or not 0 < int(found["port"]) < 65536:
            raise ConfigError(
                f"A DICOM node is written TITLE@host:port, such as ARCHIVE@10.0.0.7:104, not {text}."
            )
        return cls(found["called"], found["host"].strip("[]"), int(found["port"]), calling)

    def __str__(self) -> str:
        return f"{self.called}@{self.host}:{self.port}"


@dataclass(frozen=True)
class WorklistItem:
    """A scheduled procedure. Names are not asked for.

    Attributes
    ----------
    patient : str
        Identifier of the patient: the code of a session; empty where the entry has none that can be read.
    accession : str
        Number of the order.
    day, time : str
        When it is scheduled, as DICOM writes it.
    description : str
        Of the procedure.
    """

    patient: str
    accession: str
    day: str
    time: str
    description: str


def send_report(report: Report, node: DicomNode, language: Language) -> int:
    """Send all DICOM files of a session to an archive, and return how many it has taken.

    Raises
    ------
    ConfigError
        When the packages for DICOM are not installed.
    OutputError
        When the archive cannot be reached, or refuses a file; those before are there and may be sent again.
    """
    with tempfile.TemporaryDirectory() as name:
        return send_files(write_dicom(report, Path(name), language), node)


def send_files(paths: Iterable[Path], node: DicomNode) -> int:
    """Send DICOM files to an archive, and return how many it has taken."""
    from pydicom import dcmread

    files = [dcmread(path) for path in paths]
    entity = _entity(node)
    for kind, syntax in sorted({(each.SOPClassUID, each.file_meta.TransferSyntaxUID) for each in files}):
        entity.add_requested_context(kind, syntax)
    association = _associate(entity, node)
    try:
        for number, each in enumerate(files, start=1):
            status = _status(association, each)
            if status != _SUCCESS and status not in _WARNINGS:
                raise OutputError(
                    Message(
                        "{node} has refused file {number} of {total} (status {status}). Ask its administrator.",
                        node=str(node),
                        number=number,
                        total=len(files),
                        status="-" if status is None else f"{status:04X}",
                    )
                )
    finally:
        association.release()
    return len(files)


def find_worklist(node: DicomNode, day: date, *, modality: str = "", station: str = "") -> list[WorklistItem]:
    """Ask a worklist what is scheduled on a day.

    Parameters
    ----------
    node : DicomNode
        The worklist.
    day : date
        When the procedures begin.
    modality, station : str
        Only those of a modality, or for a station's title; empty for all.

    Raises
    ------
    ConfigError
        When the packages for DICOM are not installed.
    OutputError
        When the worklist cannot be reached or does not answer.
    """
    from pydicom.dataset import Dataset
    from pynetdicom.sop_class import ModalityWorklistInformationFind  # type: ignore[attr-defined]

    entity = _entity(node)
    entity.add_requested_context(ModalityWorklistInformationFind)
    step = Dataset()
    step.Modality, step.ScheduledStationAETitle = modality, station
    step.ScheduledProcedureStepStartDate, step.ScheduledProcedureStepStartTime = f"{day:%Y%m%d}", ""
    step.ScheduledProcedureStepDescription = ""
    asked = Dataset()
    asked.PatientID, asked.AccessionNumber, asked.RequestedProcedureDescription = "", "", ""
    asked.ScheduledProcedureStepSequence = [step]
    association = _associate(entity, node)
    found: list[WorklistItem] = []
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what is odd in an entry is told below
            for status, identifier in association.send_c_find(asked, ModalityWorklistInformationFind):
                code = status.get("Status") if status else None
                if code in _PENDING:
                    found.append(_item(identifier))
                elif code != _SUCCESS:
                    raise OutputError(
                        Message("The worklist {node} has broken off. Ask its administrator.", node=str(node))
                    )
    finally:
        association.release()
    return sorted(found, key=lambda item: (item.day, item.time, item.patient))


def _item(answer: Any) -> WorklistItem:
    if answer is None:  # it could not be read at all
        return WorklistItem("", "", "", "", "")
    steps = answer.get("ScheduledProcedureStepSequence") or [{}]
    described = steps[0].get("ScheduledProcedureStepDescription") or answer.get("RequestedProcedureDescription")
    charset = answer.get("SpecificCharacterSet")
    return WorklistItem(
        *(
            _text(value, charset)
            for value in (
                answer.get("PatientID"),
                answer.get("AccessionNumber"),
                steps[0].get("ScheduledProcedureStepStartDate"),
                steps[0].get("ScheduledProcedureStepStartTime"),
                described,
            )
        )
    )


def _text(value: Any, charset: Any) -> str:
    """Read a value as one line; where an answer lacks its character set, as some servers' do, as UTF-8 if it can be."""
    several = isinstance(value, Sequence) and not isinstance(value, str)
    text = "\\".join(map(str, value)) if several else str(value or "")
    if not charset:
        with contextlib.suppress(UnicodeError):
            text = text.encode("latin-1").decode("utf-8")
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())


def _entity(node: DicomNode) -> ApplicationEntity:
    try:
        from pynetdicom import AE
    except ModuleNotFoundError as error:
        raise ConfigError(
            Message("DICOM needs packages that are not installed: pip install 'prismseg[dicom]'.")
        ) from error
    entity = AE(ae_title=node.calling)
    entity.dimse_timeout = entity.network_timeout = _SECONDS
    entity.acse_timeout = entity.connection_timeout = _GREETING
    return entity


def _associate(entity: ApplicationEntity, node: DicomNode) -> Association:
    association = entity.associate(node.host, node.port, ae_title=node.called)
    if not association.is_established:
        raise OutputError(
            Message(
                "{node} refuses this monitor: it must know the title {title}.", node=str(node), title=node.calling
            )
            if association.is_rejected
            else Message("{node} does not answer. Check title, address and network.", node=str(node))
        )
    return association


def _status(association: Association, data: Any) -> int | None:
    """Send one file; None when no answer came or its kind was not agreed on."""
    try:
        answer = association.send_c_store(data)
    except (ValueError, RuntimeError):
        return None
    return answer.get("Status") if answer else None

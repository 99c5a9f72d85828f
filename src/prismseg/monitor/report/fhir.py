"""A session as a FHIR R4 bundle: a DiagnosticReport and one Observation in °C for each capture and sole."""

from __future__ import annotations

import base64
import io
import json
import uuid
from collections.abc import Iterator
from datetime import datetime
from typing import IO, Any

from prismseg.base import Message
from prismseg.monitor.languages import Language
from prismseg.monitor.report.content import Report, ReportedCapture
from prismseg.monitor.report.formats import ReportFormat
from prismseg.monitor.report.pdf.document import write_pdf
from prismseg.thermal import SIDES, WHOLE_SOLE, Entry, Side, Value
from prismseg.thermal.sessions.changes import find_estimate

Json = dict[str, Any]
LOINC, SNOMED, UCUM = "http://loinc.org", "http://snomed.info/sct", "http://unitsofmeasure.org"
# Codes for which no terminology has one.
LOCAL = "urn:prismseg:codes"
SKIN_TEMPERATURE = {"system": LOINC, "code": "39106-0", "display": "Temperature of Skin"}
PAIN = {
    "system": LOINC,
    "code": "72514-3",
    "display": "Pain severity - 0-10 verbal numeric rating [Score] - Reported",
}
SOLE = {"system": SNOMED, "code": "57999000", "display": "Structure of sole of foot"}
LATERALITY: dict[Side, Json] = {
    "left": {"system": SNOMED, "code": "7771000", "display": "Left"},
    "right": {"system": SNOMED, "code": "24028007", "display": "Right"},
}
_BODY_STRUCTURE = "http://hl7.org/fhir/StructureDefinition/bodySite"
_TEST = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-ActReason",
    "code": "HTEST",
    "display": "test health data",
}
_STATEMENT = "Research use only - observations, not diagnoses"


def make_bundle(report: Report, language: Language) -> Json:
    """Make the bundle; the patient is the session's code, without name, and identifiers are the same each time.

    Parameters
    ----------
    report : Report
        What to write.
    language : Language
        Of the PDF within; all else is codes and English.
    """
    closed = report.standing.closed_at is not None
    status = "final" if closed else "preliminary"
    patient = _resource(
        report,
        "patient",
        {
            "resourceType": "Patient",
            "identifier": [{"system": "urn:prismseg:code", "value": report.details.code}],
            **_tagged(report),
        },
    )
    observations = [
        _resource(report, name, {**body, "status": status, "subject": _to(patient), **_tagged(report)})
        for name, body in _observations(report)
    ]
    began = report.test_dose_at or report.begun_at
    buffer = io.BytesIO()
    write_pdf(report, buffer, language)
    written = _resource(
        report,
        "report",
        {
            "resourceType": "DiagnosticReport",
            "status": status,
            "code": {
                "coding": [SKIN_TEMPERATURE],
                "text": "Temperature of both soles around a test dose",
            },
            "subject": _to(patient),
            **({} if began is None else {"effectiveDateTime": _moment(began)}),
            "issued": _moment(report.standing.printed_at or report.created_at),
            "result": [_to(each) for each in observations],
            "conclusion": _STATEMENT,
            "presentedForm": [
                {
                    "contentType": "application/pdf",
                    "language": language.code,
                    "data": base64.b64encode(buffer.getvalue()).decode(),
                    "title": "Report",
                }
            ],
            **_tagged(report),
        },
    )
    if not observations:
        del written["resource"]["result"]  # FHIR knows no empty lists
    return {
        "resourceType": "Bundle",
        "id": _key(report, "bundle"),
        "type": "collection",
        "timestamp": _moment(report.standing.printed_at or report.created_at),
        "entry": [patient, written, *observations],
    }


def write_fhir(report: Report, target: IO[bytes], language: Language) -> None:
    """Write the bundle as JSON."""
    target.write(json.dumps(make_bundle(report, language), ensure_ascii=False, indent=1).encode())


def _observations(report: Report) -> Iterator[tuple[str, Json]]:
    for entry, facts in zip(report.session.entries, report.captures, strict=True):
        when = {} if facts.taken_at is None else {"effectiveDateTime": _moment(facts.taken_at)}
        for side in SIDES:
            made = _temperature(report, entry, facts, side)
            if made is not None:
                yield f"temperature-{facts.number}-{side}", {**made, **when}
            felt = getattr(facts.remarks, f"cold_{side}")
            if felt is not None:
                yield (
                    f"cold-{facts.number}-{side}",
                    {
                        "resourceType": "Observation",
                        "code": {"coding": [_local("cold-test", "Cold felt on the leg")]},
                        "bodySite": {"coding": [LATERALITY[side]], "text": f"{side} leg"},
                        "valueCodeableConcept": {"text": felt},
                        **when,
                    },
                )
        if facts.remarks.pain is not None:
            yield (
                f"pain-{facts.number}",
                {
                    "resourceType": "Observation",
                    "code": {"coding": [PAIN]},
                    "valueInteger": facts.remarks.pain,
                    **when,
                },
            )


def _temperature(report: Report, entry: Entry, facts: ReportedCapture, side: Side) -> Json | None:
    """Make the observation of one sole; None where it was not measured."""
    estimate = find_estimate(entry, side, WHOLE_SOLE)
    if estimate is None:
        return None
    mean, delta = Value(estimate.mean, estimate.error), report.session.delta(entry, side, WHOLE_SOLE)
    parts = [("standard-error", "Standard error of the mean", mean.error)]
    if delta.known:
        parts.append(("change", "Change of the mean since the baseline", delta.value))
        parts.append(("change-standard-error", "Standard error of the change", delta.error))
    return {
        "resourceType": "Observation",
        "contained": [
            {
                "resourceType": "BodyStructure",
                "id": "sole",
                "location": {"coding": [SOLE]},
                "locationQualifier": [{"coding": [LATERALITY[side]]}],
                "patient": {"reference": f"urn:uuid:{_key(report, 'patient')}"},
            }
        ],
        "category": [
            {
                "coding": [
                    {"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "vital-signs"}
                ]
            }
        ],
        "code": {"coding": [SKIN_TEMPERATURE], "text": "Mean temperature of a sole"},
        "bodySite": {
            "extension": [{"url": _BODY_STRUCTURE, "valueReference": {"reference": "#sole"}}],
            "coding": [SOLE],
            "text": f"{side} sole",
        },
        "method": {"text": f"Infrared camera; {report.provenance.method}"},
        "valueQuantity": _degrees(mean.value),
        "component": [
            *({"code": {"coding": [_local(*words)]}, "valueQuantity": _degrees(value)} for *words, value in parts),
            *([_minute(entry)] if report.timed else []),
        ],
        "note": [{"text": f"{_STATEMENT}. Frame {facts.sha256}"}],
    }


def _minute(entry: Entry) -> Json:
    return {
        "code": {"coding": [_local("minute", "Minutes since the test dose")]},
        "valueQuantity": {"value": round(entry.minute, 3), "unit": "min", "system": UCUM, "code": "min"},
    }


def _degrees(value: float) -> Json:
    return {"value": round(value, 4), "unit": "°C", "system": UCUM, "code": "Cel"}


def _local(code: str, display: str) -> Json:
    return {"system": LOCAL, "code": code, "display": display}


def _tagged(report: Report) -> Json:
    return {"meta": {"tag": [_TEST]}} if report.standing.origin == "demonstration" else {}


def _resource(report: Report, name: str, body: Json) -> Json:
    key = _key(report, name)
    return {"fullUrl": f"urn:uuid:{key}", "resource": {"resourceType": body["resourceType"], "id": key, **body}}


def _to(entry: Json) -> Json:
    return {"reference": entry["fullUrl"]}


def _key(report: Report, name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"urn:prismseg:{report.id}:{name}"))


def _moment(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds")


FORMAT = ReportFormat(
    filename="fhir.json",
    ending="-fhir.json",
    media_type="application/fhir+json",
    title=Message("FHIR"),
    write=write_fhir,
)

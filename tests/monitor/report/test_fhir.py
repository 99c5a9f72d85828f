"""The FHIR bundle: valid by the published structure, with the numbers of the report, and no name in it."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from operator import attrgetter

import pytest

from prismseg.monitor.report.content import Report
from prismseg.monitor.report.fhir import LATERALITY, SOLE, make_bundle, write_fhir
from prismseg.monitor.report.standing import Standing
from prismseg.thermal import WHOLE_SOLE

from .conftest import START, in_utc, made


@pytest.fixture(scope="module")
def report() -> Report:
    """Three measured captures and one without feet; more pictures would only take longer."""
    return made((-1.5, 5.0, 10.0), failed=(15.0,))


def observations(bundle, kind: str) -> list[dict]:
    found = [entry["resource"] for entry in bundle["entry"] if entry["resource"]["resourceType"] == "Observation"]
    return [each for each in found if each["code"]["coding"][0]["code"] == kind]


# Models that were made from the published definitions: those of R4 (4.0.1) know all elements, their types and numbers;
# those of R4B, in which none of these resources differs, know the required codes, too.
STRUCTURES = {"fhirclient.models.bundle": "Bundle", "fhir.resources.R4B.bundle": "Bundle.model_validate"}
FAULTS = {  # by the element whose name is told
    "valueQuantity": lambda observation: observation["valueQuantity"].update(value="warm"),
    "code": lambda observation: observation.pop("code"),
    "celsius": lambda observation: observation.update(celsius=31.5),
    "effectiveDateTime": lambda observation: observation.update(effectiveDateTime="yesterday"),
    "category": lambda observation: observation.update(category=observation["category"][0]),
}


@pytest.fixture(params=STRUCTURES)
def published(request: pytest.FixtureRequest) -> Callable[[dict], object]:
    """Return what takes a bundle of the published structure, and nothing else."""
    structure = pytest.importorskip(request.param, reason="checks the structure of FHIR")
    return attrgetter(STRUCTURES[request.param])(structure)


def test_it_is_valid_by_the_published_structure(report: Report, empty: Report, published) -> None:
    closed = Standing("demonstration", closed_at=START, printed_at=START + timedelta(hours=1))
    unknown = tuple(replace(each, taken_at=None) for each in report.captures)
    imported = replace(report, imported=True, test_dose_at=None, captures=unknown, standing=Standing("import"))
    for each in (report, empty, replace(empty, standing=closed), replace(report, standing=closed), imported):
        bundle = published(make_bundle(each, in_utc("en")))
        assert bundle.entry[0].resource.identifier[0].value == each.details.code


def test_a_bundle_that_is_wrong_is_not_taken(report: Report, published) -> None:
    sound = json.dumps(make_bundle(report, in_utc("en")))
    for element, spoil in FAULTS.items():
        broken = json.loads(sound)
        spoil(broken["entry"][2]["resource"])
        with pytest.raises(Exception, match=element):
            published(broken)


def test_it_says_what_was_measured_and_where(report: Report) -> None:
    bundle = make_bundle(report, in_utc("en"))
    found = observations(bundle, "39106-0")
    assert len(found) == 2 * len(report.session.measured)
    last = report.session.measured[-1]
    for side in ("left", "right"):
        (made,) = [each for each in found[-2:] if each["bodySite"]["text"] == f"{side} sole"]
        delta = report.session.delta(last, side, WHOLE_SOLE)
        parts = {part["code"]["coding"][0]["code"]: part["valueQuantity"] for part in made["component"]}
        assert parts["change"] == {
            "value": round(delta.value, 4),
            "unit": "°C",
            "system": parts["change"]["system"],
            "code": "Cel",
        }
        assert made["contained"][0]["location"]["coding"] == [SOLE]
        assert made["contained"][0]["locationQualifier"][0]["coding"] == [LATERALITY[side]]
        assert made["valueQuantity"]["code"] == "Cel" and made["status"] == "preliminary"
    written = bundle["entry"][1]["resource"]
    known = {entry["fullUrl"] for entry in bundle["entry"]}
    assert {each["reference"] for each in written["result"]} <= known and written["subject"]["reference"] in known
    assert "name" not in bundle["entry"][0]["resource"]


def test_the_same_report_is_the_same_bundle_and_closing_makes_it_final(report: Report) -> None:
    written = io.BytesIO()
    write_fhir(report, written, in_utc("en"))
    first = json.loads(written.getvalue())
    assert make_bundle(report, in_utc("en")) == first
    closed = make_bundle(replace(report, standing=Standing(closed_at=START)), in_utc("en"))
    assert {entry["resource"].get("status", "final") for entry in closed["entry"]} == {"final"}
    assert [entry["fullUrl"] for entry in closed["entry"]] == [entry["fullUrl"] for entry in first["entry"]]


def test_no_time_is_invented_of_what_nobody_knows(report: Report) -> None:
    taken = tuple(replace(each, taken_at=None) for each in report.captures)
    imported = replace(report, imported=True, test_dose_at=None, captures=taken, standing=Standing("import"))
    bundle = make_bundle(imported, in_utc("en"))
    assert not [entry for entry in bundle["entry"] if "effectiveDateTime" in entry["resource"]]
    known = make_bundle(replace(report, imported=True), in_utc("en"))["entry"][1]["resource"]
    assert known["effectiveDateTime"].startswith("2026-05-04T14:00")


def test_before_the_test_dose_there_are_no_minutes_since_it(report: Report) -> None:
    for timed, shown in ((report, True), (replace(report, test_dose_at=None), False)):
        parts = observations(make_bundle(timed, in_utc("en")), "39106-0")[0]["component"]
        assert ("minute" in [part["code"]["coding"][0]["code"] for part in parts]) == shown

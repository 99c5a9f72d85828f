"""The first page: who and when, what was observed, the curves."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from reportlab.lib.units import mm
from reportlab.platypus import Flowable, KeepTogether, Spacer, Table

from prismseg.base import Message
from prismseg.monitor.languages.flag_texts import caveat_of, threshold_of, title_of, value_of
from prismseg.monitor.report.content import Report
from prismseg.monitor.report.pdf.charts import draw_curves, draw_territories
from prismseg.monitor.report.pdf.style import CELL, HEAD, SMALL, STRONG, TITLE, WIDTH, boxed, p, ruled
from prismseg.monitor.report.words import Words
from prismseg.monitor.sessions.details import FIELD_LABELS, WORDED
from prismseg.monitor.sessions.summary import summarize_flags
from prismseg.thermal import WHOLE_SOLE, Session
from prismseg.thermal.anatomy import SIDES
from prismseg.thermal.sessions.entry import Concern

_NO_FLAG = Message("No threshold was reached. This does not mean that the block works, nor that it does not.")
_COLUMNS = 5
_SHORT = 22  # characters that fit into a column of the details


def header(report: Report, words: Words) -> Iterable[Flowable]:
    """Show title, time, stated details, and why numbers are missing."""
    yield p(words(Message("Temperature of the soles: {code}", code=report.details.code)), TITLE)
    yield p(words(Message("Session of {begun}, {id}", begun=words.moment(report.begun_at), id=report.id)), SMALL)
    if report.imported:
        yield p(
            words(Message("Recorded elsewhere, imported {time}.", time=words.moment(report.created_at))), SMALL
        )
    yield Spacer(0, 2 * mm)
    facts = _facts(report, words)
    short = [fact for fact in facts if len(fact[1]) <= _SHORT]
    cells: list[Any] = [[p(name, SMALL), p(value, STRONG)] for name, value in short]
    rows = [cells[start : start + _COLUMNS] for start in range(0, len(cells), _COLUMNS)]
    if rows:
        rows[-1] += [""] * (_COLUMNS - len(rows[-1]))
        yield ruled(rows, [1] * _COLUMNS, head=False)
    long = [[p(name, SMALL), p(value)] for name, value in facts if len(value) > _SHORT]
    if long:
        yield ruled(long, (1, 4), head=False)
    if report.details.note:
        # No cell of a table: that would have to fit on one page.
        yield Spacer(0, 1.5 * mm)
        yield p(words(FIELD_LABELS["note"]), SMALL)
        yield p(report.details.note, lines=True)
    for text in blocked(report.session):
        yield Spacer(0, 3 * mm)
        yield boxed([p(words(text), STRONG)], warning=True)


def blocked(session: Session) -> list[Message]:
    """Say why changes are not given, as far as they are not."""
    if not session.entries:
        return [Message("No capture yet.")]
    if session.baseline is None:
        told = [
            flag.sentence for flag in session.flags() if flag.evidence.get("concern") == Concern.NO_BASELINE.value
        ]
        return [
            Message.joined(
                [Message("No baseline was measured before the test dose: changes cannot be shown."), *told]
            )
        ]
    unknown = [
        entry for entry in session.measured if not any(session.delta(entry, s, WHOLE_SOLE).known for s in SIDES)
    ]
    if unknown:
        return [
            Message(
                "The camera or its settings were changed during the session: no change is shown between the one and "
                "the other."
            )
        ]
    return []


def flags(report: Report, words: Words) -> Iterable[Flowable]:
    """Show each observation with its value, threshold, source, and what it does not mean."""
    shown = [flag for flag in summarize_flags(report.session) if flag["name"] != "quality"]
    if not shown and blocked(report.session):
        return  # what cannot be judged must not look as if nothing were the matter
    yield p(words(Message("Observations")), HEAD)
    if not shown:
        later = any(entry.minute > 0 for entry in report.session.measured)
        yield p(words(_NO_FLAG if later else Message("Nothing to observe yet.")))
    for flag in shown:
        yield _flag(flag, words)


def curves(report: Report, words: Words) -> Iterable[Flowable]:
    """Show changes over time; nothing where there are none."""
    session = report.session
    if session.baseline is None or len(session.measured) < 2:
        return
    key = [
        Message(
            "Bands: 95 % intervals. Dotted: threshold of warming. Territories are a template laid over the sole."
        )
    ]
    if len(session.measured) < len(session.entries):
        key.append(Message("×: a capture without numbers."))
    yield KeepTogether([p(words(Message("Change since the baseline")), HEAD), draw_curves(report, words)])
    yield KeepTogether([draw_territories(session, words), p(words(Message.joined(key)), SMALL)])


def stated(name: str, value: Any, words: Words) -> str:
    """Write one of the details."""
    if isinstance(value, float):
        return words.short(value)
    return words.word(value) if name in WORDED else str(value)


def _facts(report: Report, words: Words) -> list[tuple[str, str]]:
    """Give what was stated, BMI after height."""
    details = report.details.model_dump()
    dose = report.test_dose_at
    facts = [
        (
            words(report.dose_title),
            words(Message("not stated")) if dose is None and not report.imported else words.moment(dose),
        )
    ]
    for name, title in FIELD_LABELS.items():
        value = details.get(name)
        if value not in (None, "") and name not in ("code", "note"):
            facts.append((words(title), stated(name, value, words)))
        if name == "height_cm" and report.details.bmi is not None:
            facts.append((words(Message("BMI, kg/m²")), words.number(report.details.bmi)))
    return facts


def _flag(flag: dict[str, Any], words: Words) -> Flowable:
    title = [words(title_of(flag["name"]))]
    if flag["side"] is not None:
        title.append(words.word(flag["side"]))
    title.append(words.word(flag["level"]))
    value, threshold = value_of(flag), threshold_of(flag)
    rows = [
        (
            words(Message("Value")),
            words(Message("{value} (threshold {threshold})", value=value, threshold=threshold)),
        ),
        (words(Message("Source")), words(Message.from_json(flag["source"]))),
        (words(Message("What it does not mean")), words(caveat_of(flag["name"]))),
    ]
    evidence = Table(
        [[p(name, SMALL), p(text, CELL)] for name, text in rows],
        colWidths=[WIDTH * 0.18, WIDTH * 0.8],
        style=[
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("LEFTPADDING", (0, 0), (-1, -1), 0),
            ("RIGHTPADDING", (0, 0), (-1, -1), 0),
            ("TOPPADDING", (0, 0), (-1, -1), 0.4),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 0.4),
        ],
        hAlign="LEFT",
    )
    content = [p(" · ".join(title), STRONG), p(words(Message.from_json(flag["sentence"]))), Spacer(0, 3), evidence]
    return boxed(content, warning=flag["level"] in ("notice", "unconfirmed"))

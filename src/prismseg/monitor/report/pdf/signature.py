"""Who answers for the record: the name in it, and a line to sign on paper."""

from __future__ import annotations

from collections.abc import Iterable

from reportlab.lib.units import mm
from reportlab.platypus import Flowable, KeepTogether, Spacer, Table

from prismseg.base import Message
from prismseg.monitor.report.content import Report
from prismseg.monitor.report.pdf.style import HEAD, INK, SMALL, WIDTH, p
from prismseg.monitor.report.words import Words


def signature(report: Report, words: Words) -> Iterable[Flowable]:
    """Show how the record stands, and lines for name, signature and date."""
    names = (Message("Name"), Message("Signature"), Message("Date and time"))
    line = Table(
        [["", "", ""], [p(words(name), SMALL) for name in names]],
        colWidths=[WIDTH / 3] * 3,
        rowHeights=[11 * mm, None],
        style=[("LINEABOVE", (column, 1), (column, 1), 0.6, INK) for column in range(3)],
        hAlign="LEFT",
    )
    state = " · ".join(report.standing.sentences(words))
    yield KeepTogether([p(words(Message("Signature")), HEAD), p(state, SMALL), Spacer(0, 2 * mm), line])

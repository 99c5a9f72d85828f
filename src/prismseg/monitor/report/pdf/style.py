"""Type, colours and boxes of the PDF."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import matplotlib
from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import CondPageBreak, Flowable, Paragraph, Table

from prismseg.thermal import Side

PLAIN, BOLD = "DejaVuSans", "DejaVuSans-Bold"
MARGIN = 16 * mm
WIDTH = A4[0] - 2 * MARGIN

INK, SOFT, LINE, GROUND = (HexColor(text) for text in ("#10161f", "#4a5568", "#c9d1dc", "#f3f5f8"))
WARN, WARN_GROUND, ACCENT = (HexColor(text) for text in ("#8a5300", "#fff3d9", "#0b5cad"))
# Okabe & Ito 2008, told apart by all kinds of colour vision; lines and marks differ as well.
COLOURS: dict[Side, HexColor] = {"left": HexColor("#0072B2"), "right": HexColor("#D55E00")}
DASHES: dict[Side, tuple[float, ...] | None] = {"left": None, "right": (4.0, 1.6)}

TEXT = ParagraphStyle("text", fontName=PLAIN, fontSize=8.5, leading=12, textColor=INK)
STRONG = ParagraphStyle("strong", parent=TEXT, fontName=BOLD)
SMALL = ParagraphStyle("small", parent=TEXT, fontSize=7, leading=9.6, textColor=SOFT)
CAUTION = ParagraphStyle("caution", parent=SMALL, textColor=WARN)
CELL = ParagraphStyle("cell", parent=TEXT, fontSize=7.5, leading=9.5)
CELL_STRONG = ParagraphStyle("cell strong", parent=CELL, fontName=BOLD)
HASH = ParagraphStyle("hash", parent=SMALL, fontSize=6.5)
TITLE = ParagraphStyle("title", parent=TEXT, fontName=BOLD, fontSize=16, leading=21)
HEAD = ParagraphStyle(
    "head", parent=TEXT, fontName=BOLD, fontSize=11, leading=14, spaceBefore=11, spaceAfter=4, keepWithNext=1
)

_MOST_ROWS = 36
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@lru_cache(maxsize=1)
def register_fonts() -> None:
    """Make the fonts known that are embedded: they have accents, °, ±, − and ², which a PDF's own fonts have not."""
    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    for name in (PLAIN, BOLD):
        pdfmetrics.registerFont(TTFont(name, str(folder / f"{name}.ttf")))


def p(text: str, style: ParagraphStyle = TEXT, *, lines: bool = False) -> Paragraph:
    """Set text as it is: markup means nothing, line breaks only where lines shall stay lines."""
    broken = "<br/>" if lines else " "
    return Paragraph(broken.join(escape(printable(line)) for line in text.splitlines()), style)


def heading(text: str, rows: int = 0) -> list[Flowable]:
    """Set a heading that stays with what follows; a table of more rows than a page has may begin below it anywhere."""
    if rows <= _MOST_ROWS:
        return [p(text, HEAD)]
    return [CondPageBreak(45 * mm), p(text, ParagraphStyle("loose", parent=HEAD, keepWithNext=0))]


def printable(text: str) -> str:
    """Name what the fonts lack by its code point, so that different codes never look alike on paper."""
    known = pdfmetrics.getFont(PLAIN).face.charToGlyph
    return "".join(each if ord(each) in known else f"[U+{ord(each):04X}]" for each in _CONTROL.sub(" ", text))


def boxed(content: Sequence[Flowable], *, warning: bool = False) -> Flowable:
    """Lay flowables on a tinted ground with a bar at their left."""
    return Table(
        [[list(content)]],
        colWidths=[WIDTH],
        style=[
            ("BACKGROUND", (0, 0), (-1, -1), WARN_GROUND if warning else GROUND),
            ("LINEBEFORE", (0, 0), (0, -1), 3, WARN if warning else ACCENT),
            ("LEFTPADDING", (0, 0), (-1, -1), 8),
            ("TOPPADDING", (0, 0), (-1, -1), 4),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 6),
        ],
        spaceAfter=5,
    )


def ruled(
    rows: Sequence[Sequence[Any]], shares: Sequence[float], *more: tuple[Any, ...], head: bool = True
) -> Table:
    """Set a table with thin lines whose head comes again on every page; `shares` of the width are its columns."""
    style: list[tuple[Any, ...]] = [
        ("LINEBELOW", (0, 0), (-1, -1), 0.3, LINE),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("TOPPADDING", (0, 0), (-1, -1), 1.2),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 1.8),
        ("LEFTPADDING", (0, 0), (-1, -1), 3),
        ("RIGHTPADDING", (0, 0), (-1, -1), 3),
    ]
    if head:
        style += [("BACKGROUND", (0, 0), (-1, 0), GROUND), ("LINEBELOW", (0, 0), (-1, 0), 0.8, SOFT)]
    widths = [WIDTH * share / sum(shares) for share in shares]
    return Table(rows, colWidths=widths, style=[*style, *more], repeatRows=1 if head else 0, hAlign="LEFT")

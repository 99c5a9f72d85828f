"""With what a report was made: programs, networks, cameras, and the frames by their hashes."""

from __future__ import annotations

from collections.abc import Iterable

from reportlab.lib.units import mm
from reportlab.platypus import Flowable, Spacer

from prismseg.base import Message
from prismseg.monitor.report.content import Report, ReportedCapture
from prismseg.monitor.report.pdf.style import CELL_STRONG, HASH, HEAD, SMALL, p, ruled
from prismseg.monitor.report.words import NOTHING, Words
from prismseg.thermal import View

# On paper enough to tell one network from another; tables hold the whole hash.
SHORT_HASH = 12
VIEWS: dict[View, Message] = {
    "soles-to-camera": Message("As they are: the patient's right foot is on the left of the picture"),
    "mirrored": Message("Mirrored: the patient's right foot is on the right of the picture"),
}


def provenance(report: Report, words: Words) -> Iterable[Flowable]:
    """List what the numbers rest on."""
    made_with = report.provenance
    rows: list[tuple[Message, str]] = [
        (Message("Version"), f"prismseg {made_with.application}"),
        (Message("Network"), f"{made_with.model} {made_with.model_hash[:SHORT_HASH]}".strip() or NOTHING),
        (Message("Template of the nerve territories"), made_with.template_hash),
        (Message("Method"), words.word(made_with.method)),
    ]
    ways = _ways(report.captures)
    for (camera, view, parameters), numbers in ways.items():
        which = f"{numbers}: " if len(ways) > 1 else ""
        text = words.parameters(dict(parameters)) or words(Message("not stated"))
        rows.append((Message("Camera"), f"{which}{words.word(camera)}; {text}"))
        rows.append((Message("How the camera sees the soles"), f"{which}{words(VIEWS[view])}"))
    yield p(words(Message("With what it was measured")), HEAD)
    yield ruled([[p(words(name), SMALL), p(text, SMALL)] for name, text in rows], (26, 74), head=False)
    if report.captures:
        head = [words(Message("No.")), "SHA-256"]
        frames = [[p(text, CELL_STRONG) for text in head]]
        frames += [
            [p(f"#{each.number}  {words.moment(each.taken_at)}", SMALL), p(each.sha256, HASH)]
            for each in report.captures
        ]
        yield Spacer(0, 3 * mm)
        yield ruled(frames, (26, 74))


def _ways(captures: Iterable[ReportedCapture]) -> dict[tuple[str, View, tuple[tuple[str, float], ...]], str]:
    """Each camera with its view and parameters, and the numbers of the captures it took."""
    found: dict[tuple[str, View, tuple[tuple[str, float], ...]], list[str]] = {}
    for each in captures:
        key = (str(each.camera), each.view, tuple(each.parameters.items()))
        found.setdefault(key, []).append(f"#{each.number}")
    return {key: ", ".join(numbers) for key, numbers in found.items()}

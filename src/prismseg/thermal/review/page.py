"""The page of frames as one HTML file that works without a network."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from prismseg.base.page import write_page
from prismseg.base.version import VERSION
from prismseg.thermal.review.cards import Group

KINDS = {"refused": "refused", "caution": "with cautions", "clean": "without remarks"}


def write_review(path: str | Path, groups: Sequence[Group]) -> Path:
    """Write the page.

    It shows every frame with outlines, means, and the reason of each refusal and caution; frames can be filtered, stepped
    through with the keyboard, judged, and the decisions saved as CSV or JSON. It loads nothing from elsewhere, keeps
    decisions in the browser, prints, and shows all frames also where scripts are switched off.

    Parameters
    ----------
    path : str or Path
        The HTML file.
    groups : sequence of Group
        Sessions or folders.

    Raises
    ------
    OutputError
        When it cannot be written.

    Examples
    --------
    >>> from prismseg.thermal.review.cards import Card
    >>> card = Card("t5.jpg", 5.0, "refused", "unreadable frame", "The file is empty.")
    >>> page = write_review("review.html", [Group("session", (card,))]).read_text(encoding="utf-8")
    >>> "t5.jpg" in page, "The file is empty." in page
    (True, True)
    """
    cards = [card for group in groups for card in group.cards]
    concerns = Counter(concern for card in cards for concern in card.concerns)
    return write_page(
        Path(path),
        "prismseg.thermal.review",
        "review.html",
        version=VERSION,
        groups=groups,
        total=len(cards),
        kinds=KINDS,
        counts=Counter(card.kind for card in cards),
        concerns=concerns.most_common(),
        digest=_digest(groups),
    )


def _digest(groups: Sequence[Group]) -> str:
    """Name the page's content, so that decisions on it are not taken for those on another one."""
    digest = hashlib.sha256()
    for group in groups:
        digest.update(group.title.encode("utf-8", "replace"))
        for card in group.cards:
            facts = (card.file, card.minute, card.status, [outline.path for outline in card.outlines])
            digest.update(repr(facts).encode("utf-8", "replace"))
    return digest.hexdigest()[:16]

"""The page on the architecture names rooms, files and functions that exist."""

import re

from tests.docs.pages import ROOT

PAGE = (ROOT / "docs" / "explanation" / "architecture.md").read_text()
PACKAGE = ROOT / "src" / "prismseg"
# Where the files of a walk lie, by the beginning of its heading.
WALKS = {"An image": "", "A frame": "thermal", "A batch": "explain", "A capture": "monitor"}


def test_every_file_of_a_walk_exists():
    walks = dict(re.findall(r"^### (\w+ \w+)[^\n]*\n(.*?)(?=^### |\Z)", PAGE, re.DOTALL | re.MULTILINE))
    assert walks.keys() == WALKS.keys()
    for walk, room in WALKS.items():
        files = re.findall(r"`([\w/]+(?:\.py|/))`", walks[walk])
        assert len(files) > 5
        for file in files:
            assert (PACKAGE / room / file).exists() or (PACKAGE / file).exists() or (ROOT / file).exists(), file


def test_every_name_of_a_walk_exists():
    source = "\n".join(path.read_text() for path in PACKAGE.rglob("*.py"))
    defined = set(re.findall(r"^\s*(?:class|def) (\w+)|^(?:    )?(\w+)(?:: [^=\n]+)? = ", source, re.MULTILINE))
    known = {name for pair in defined for name in pair if name}
    names = re.findall(r"`([A-Za-z_]\w+(?:\.\w+)*)`", PAGE[PAGE.index("## Walks") :])
    assert len(names) > 50
    for name in names:
        if name.endswith((".py", ".jsonl")):
            continue
        for part in name.split("."):
            assert part in known | {"thermal", "DataFrame", "postprocess", "perturb", "segment"}, name


def test_every_room_is_there():
    rooms = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").is_file()}
    former = {"phantom"}  # old names of thermal/phantom, until 0.3.0
    assert set(re.findall(r"^\| \d+ \| `(\w+)/`", PAGE, re.MULTILINE)) == rooms - former

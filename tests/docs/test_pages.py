"""Every code block of the README and of docs/ runs, and every link leads somewhere."""

import importlib
import importlib.util
import re

import pytest

from prismseg.base.registry import Registry
from tests.docs.pages import BLOCK, ROOT, run_page

ALL = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
# Tutorials and how-to pages have tests of their own, which also know what comes out.
PAGES = [page for page in ALL if page.parent.name not in ("tutorials", "howto") and BLOCK.search(page.read_text())]


# A page is a whole tour: a minute on an idle machine, several beside other work.
@pytest.mark.timeout(900)
@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_code_blocks(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run_page(page)


def test_links_lead_somewhere():
    for page in ALL:
        for target in re.findall(r"(?:\]\(|src=\")(?!https?:)([^)#\"]+)[)\"]", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


@pytest.fixture(scope="module")
def hooks():
    spec = importlib.util.spec_from_file_location("hooks", ROOT / "docs" / "hooks.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_table_that_a_page_asks_for_is_there(hooks):
    asked = 0
    for page in ALL:
        source = page.read_text()
        marks = re.findall(r"<!-- (table|registry): .* -->", source)
        written = hooks.on_page_markdown("\n".join(re.findall(r"^<!-- (?:table|registry): .* -->$", source, re.M)))
        assert "<!--" not in written and written.count("| --- |") >= len(marks), page.name
        asked += len(marks)
    assert asked > 20


def test_the_tables_name_what_is_registered(hooks):
    written = hooks.on_page_markdown("<!-- registry: prismseg.train.LOSSES -->").splitlines()
    assert written[0].startswith("| loss |") and "| `ce` | Cross-entropy. |" in written


def test_the_page_on_extending_names_registries():
    page = (ROOT / "docs" / "howto" / "index.md").read_text()
    names = re.findall(r"`((?:\w+\.)+[A-Z_]+)`", page)
    assert len(names) > 15
    for name in names:
        module, _, attribute = name.removeprefix("prismseg.").rpartition(".")
        assert isinstance(getattr(importlib.import_module(f"prismseg.{module}"), attribute), Registry), name


@pytest.mark.parametrize(
    "loads",
    [
        '<script src="https://host/shim"></script>',
        "<img alt=x src=//host/a.png>",
        '<link rel="stylesheet" href="http://host/a.css">',
    ],
)
def test_a_page_that_loads_from_another_host_is_refused(hooks, loads):
    here = '<a href="https://host/">read</a><link rel="canonical" href="https://host/"><script src="assets/a.js">'
    assert hooks.on_post_page(here) == here
    with pytest.raises(LookupError, match=r"//host/.*docs/assets"):
        hooks.on_post_page(here + loads)

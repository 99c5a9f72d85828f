"""Every code block of the README and of docs/ runs, and every link leads somewhere."""

import re

import pytest

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

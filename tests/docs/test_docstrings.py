"""Every example in a docstring runs and prints what it says."""

import doctest
import importlib

import pytest

from tests.docs.pages import ROOT

SOURCES = ROOT / "src"
FILES = [path for path in sorted((SOURCES / "prismseg").rglob("*.py")) if ">>> " in path.read_text()]


def name_of(path):
    parts = path.relative_to(SOURCES).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@pytest.mark.parametrize("name", [name_of(path) for path in FILES])
def test_examples(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    examples = [test for test in doctest.DocTestFinder().find(importlib.import_module(name)) if test.examples]
    assert examples
    for example in examples:
        skipped = [line.source for line in example.examples if doctest.SKIP in line.options]
        assert not skipped, "an example that does not run proves nothing"
        report: list[str] = []
        result = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(example, out=report.append)
        assert not result.failed, "".join(report)

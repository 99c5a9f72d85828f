"""Which sources count for a number, and which changes of them."""

import sys
from importlib.metadata import EntryPoint

import pytest

from prismseg.base.provenance import sources
from prismseg.base.provenance.sources import code_of


@pytest.fixture(autouse=True)
def fresh():
    """Other tests of this process have hashed its code."""
    code_of.cache_clear()
    yield
    code_of.cache_clear()


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Write modules of a package prismseg that stands in for the real one."""
    root = tmp_path / "prismseg"
    monkeypatch.setattr(sources, "_ROOT", root)
    monkeypatch.setattr(sources, "find_extensions", list)

    def write(name, text):
        path = root.joinpath(*name.split("/"))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        code_of.cache_clear()

    return write


def test_documentation_changes_nothing_and_a_metric_does(write):
    write("study/kind.py", '"""Doc."""\n\nfrom prismseg.study.metric import share\n')
    write("study/metric.py", 'def share(a, b):\n    """Old words."""\n    return a / b\n')
    before = code_of("prismseg.study.kind")
    assert list(before) == ["prismseg.study.kind", "prismseg.study.metric"]
    write("study/metric.py", '# A comment.\ndef share(a, b):\n    """New words."""\n\n    return (a / b)\n')
    assert code_of("prismseg.study.kind") == before
    write("study/metric.py", 'def share(a, b):\n    """Old words."""\n    return b / a\n')
    changed = code_of("prismseg.study.kind")
    assert changed["prismseg.study.metric"] != before["prismseg.study.metric"]
    assert changed["prismseg.study.kind"] == before["prismseg.study.kind"]


def test_names_of_packages_lead_to_the_module_that_defines_them(write):
    """Also those that a package loads on first use, which its stub lists."""
    write("room/__init__.py", "from prismseg.room.one import first\n")
    write("room/__init__.pyi", "from prismseg.room.two import second as second\n")
    write("room/one.py", "first = 1\n")
    write("room/two.py", "second = 2\n")
    write("kind/__init__.py", "def run():\n    from prismseg.room import second\n    return second\n")
    assert list(code_of("prismseg.kind")) == ["prismseg.kind", "prismseg.room.two"]
    write("kind/__init__.py", "try:\n    from prismseg.room import first\nexcept ImportError:\n    first = 0\n")
    assert list(code_of("prismseg.kind")) == ["prismseg.kind", "prismseg.room.one"]


def test_what_is_registered_by_its_address_counts(write):
    write("losses.py", '_HERE = "prismseg.loss"\nLOSSES.register("dice", f"{_HERE}.dice:Dice")\n')
    write("loss/__init__.py", "")
    write("loss/dice.py", "Dice = 1\n")
    assert list(code_of("prismseg.losses")) == ["prismseg.loss.dice", "prismseg.losses"]
    write("losses.py", 'LOSSES.register("dice", "prismseg.loss.dice:Dice")\nNOTE = "prismseg.loss.gone:Dice"\n')
    assert list(code_of("prismseg.losses")) == ["prismseg.loss.dice", "prismseg.losses"]


def test_modules_that_only_show_do_not_count(write):
    write("kind.py", "import prismseg.table\nimport prismseg.figures\nimport prismseg.metric\n")
    write("table.py", "import prismseg.colours\n\nMAKES_NUMBERS = False\n")
    for name in ("figures", "colours", "metric"):
        write(f"{name}.py", "import os\n")
    assert list(code_of("prismseg.kind")) == ["prismseg.kind", "prismseg.metric"]
    assert "prismseg.table" in code_of("prismseg.table"), "but they count for themselves"


def test_packages_that_a_run_does_not_use_are_left_out(write):
    write("kind.py", "import prismseg.thermal.feet\nimport prismseg.metric\n")
    write("thermal/feet.py", "import prismseg.hidden\n")
    write("hidden.py", "")
    write("metric.py", "")
    assert list(code_of("prismseg.kind", without=("thermal",))) == ["prismseg.kind", "prismseg.metric"]


def test_an_extension_counts_where_its_registry_does(write, monkeypatch):
    write("losses.py", "LOSSES = {}\n")
    write("kind.py", "from prismseg.losses import LOSSES\n")
    write("other.py", "import os\n")
    write(
        "feet/extension.py", 'from prismseg.losses import LOSSES\n\nLOSSES["feet"] = "prismseg.feet.loss:feet"\n'
    )
    write("feet/loss.py", "feet = 1\n")
    monkeypatch.setattr(
        sources, "find_extensions", lambda: [EntryPoint("feet", "prismseg.feet.extension", "prismseg.extensions")]
    )
    assert list(code_of("prismseg.kind")) == [
        "prismseg.feet.extension", "prismseg.feet.loss", "prismseg.kind", "prismseg.losses",
    ]  # fmt: skip
    assert list(code_of("prismseg.other")) == ["prismseg.other"]


@pytest.fixture
def strange_package(tmp_path, monkeypatch):
    """Package of someone else."""
    package = tmp_path / "strange_package"
    package.mkdir()
    (package / "__init__.py").write_text("raise RuntimeError('not to be imported')\n")
    (package / "coin.py").write_text("import numpy\nfrom strange_package import odds\nimport prismseg.metric\n")
    (package / "odds.py").write_text("HEADS = 0.5\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    return package


def test_another_package_is_followed_within_itself_and_prismseg(write, strange_package):
    write("metric.py", "")
    before = code_of("strange_package.coin")
    assert list(before) == ["prismseg.metric", "strange_package.coin", "strange_package.odds"]
    (strange_package / "odds.py").write_text("HEADS = 0.6\n")
    code_of.cache_clear()
    after = code_of("strange_package.coin")
    assert [name for name in after if after[name] != before[name]] == ["strange_package.odds"]
    assert "strange_package" not in sys.modules


def test_a_module_without_a_source_has_none():
    assert code_of("prismseg.nowhere") == code_of("nowhere.at.all") == code_of("math") == {}


def test_the_code_of_a_study_holds_what_makes_its_numbers():
    code = code_of("prismseg.study.kinds.segmentation.run")
    assert {"prismseg.evaluation.metrics", "prismseg.train.loop", "prismseg.features.crffg"} <= set(code)
    assert not [name for name in code if name.startswith(("prismseg.cli", "prismseg.monitor"))]
    assert not [
        name for name in code if name.endswith("figures") or name.startswith("prismseg.study.kinds.fashion")
    ]


def test_every_architecture_counts_for_a_segmentation_run():
    """They are registered by their addresses."""
    code = code_of("prismseg.study.kinds.segmentation.run")
    assert {
        f"prismseg.nets.{name}" for name in ("unet", "fcn", "resunet", "encoders.convolutional", "factory")
    } <= set(code)

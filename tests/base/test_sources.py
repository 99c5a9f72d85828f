"""Which modules the hash of a module's code follows."""

import pytest

from prismseg.base import sources
from prismseg.base.sources import code_of


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Write the modules of a package, by path and text, and hash them instead of prismseg's own."""
    root = tmp_path / "prismseg"
    monkeypatch.setattr(sources, "_ROOT", root)

    def write(files):
        for name, text in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        code_of.cache_clear()

    yield write
    code_of.cache_clear()


def test_addresses_that_a_registry_imports_count_as_imports(package):
    package(
        {
            "kind.py": "from prismseg.registry import THINGS\n",
            "registry.py": (
                'THINGS = {"one": "prismseg.things.one:One", "sqrt": "math:sqrt"}\n'
                'TEXT = "See prismseg.things.two:Two for more."\n'
            ),
            "things/one.py": "from prismseg.things.helper import help\n",
            "things/two.py": "",
            "things/helper.py": "def help(): pass\n",
        }
    )
    assert list(code_of("prismseg.kind")) == [
        "prismseg.kind",
        "prismseg.registry",
        "prismseg.things.helper",
        "prismseg.things.one",
    ]


def test_names_that_a_stub_lists_lead_to_the_module_that_defines_them(package):
    package(
        {
            "room/__init__.py": "__getattr__ = None\n",
            "room/__init__.pyi": (
                "from prismseg.room.one import first as first\nfrom prismseg.room.two import second as second\n"
            ),
            "room/one.py": "first = 1\n",
            "room/two.py": "second = 2\n",
            "kind.py": "from prismseg.room import second\n",
        }
    )
    assert list(code_of("prismseg.kind")) == ["prismseg.kind", "prismseg.room.two"]


def test_a_change_of_a_registered_module_changes_the_hash(package):
    files = {"kind.py": 'ENTRY = "prismseg.one:One"\n', "one.py": "One = 1\n"}
    package(files)
    before = code_of("prismseg.kind")
    package({"one.py": "One = 2\n"})
    after = code_of("prismseg.kind")
    assert before["prismseg.kind"] == after["prismseg.kind"]
    assert before["prismseg.one"] != after["prismseg.one"]


def test_the_code_of_a_segmentation_run_holds_every_architecture_and_its_parts():
    code = code_of("prismseg.study.kinds.segmentation.run")
    parts = (
        "unet",
        "fcn",
        "resunet",
        "encoders",
        "blocks",
        "factory",
        "segmentation",
        "settings",
        "storage.files",
    )
    assert {f"prismseg.nets.{part}" for part in parts} <= set(code)
    assert {"prismseg.features.crffg", "prismseg.train.loop", "prismseg.data.augment"} <= set(code)

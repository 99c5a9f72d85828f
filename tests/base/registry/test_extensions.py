from __future__ import annotations

import sys
import threading
import warnings
from collections.abc import Iterator
from importlib.metadata import Distribution, EntryPoint, PathDistribution
from pathlib import Path

import pytest

from prismseg.base.registry import Registry, extensions
from prismseg.base.registry.extensions import GROUP, ExtensionLoader, find_extensions


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


def install(site: Path, module: str, source: str, package: str = "stranger") -> EntryPoint:
    """Install a distribution whose extension is one module, as pip would."""
    (site / f"{module}.py").write_text(source)
    info = site / f"{package}-1.0.dist-info"
    info.mkdir(exist_ok=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    with (info / "entry_points.txt").open("a") as file:
        file.write(f"[{GROUP}]\n{module} = {module}\n")
    distribution: Distribution = PathDistribution(info)
    return next(point for point in distribution.entry_points if point.name == module)


def test_an_installed_package_adds_to_a_registry(site: Path) -> None:
    install(site, "strange_numbers", "import sys\nsys.modules['strange_hook'].register('three', 3)\n")
    found = [point for point in find_extensions() if point.value == "strange_numbers"]
    assert len(found) == 1
    numbers: Registry[int] = Registry("number", extensions=ExtensionLoader(lambda: found))
    sys.modules["strange_hook"] = numbers  # type: ignore[assignment]
    assert numbers["three"] == 3
    numbers.unregister("three")
    assert "three" not in numbers  # an extension is loaded once


def test_those_of_prismseg_come_first_and_once(site: Path) -> None:
    install(site, "aaa_numbers", "", package="aaa")
    values = [point.value for point in find_extensions()]
    assert values.count("prismseg.thermal.extension") == 1
    assert values.index("prismseg.thermal.extension") < values.index("aaa_numbers")


def test_a_source_tree_goes_by_its_own_settings(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = site / "tree" / "src" / "prismseg"
    (package / "base" / "registry").mkdir(parents=True)
    monkeypatch.setattr(extensions, "__file__", str(package / "base" / "registry" / "extensions.py"))
    settings = site / "tree" / "pyproject.toml"
    install(site, "installed_ones", "", package="prismseg")

    settings.write_text(
        '[project]\nname = "prismseg"\n[project.entry-points."prismseg.extensions"]\na = "tree_ones"\n'
    )
    assert [point.value for point in find_extensions() if point.value.endswith("_ones")] == ["tree_ones"]
    settings.write_text('[project]\nname = "another"\n')
    assert [point.value for point in find_extensions() if point.value.endswith("_ones")] == ["installed_ones"]
    settings.unlink()
    assert [point.value for point in find_extensions() if point.value.endswith("_ones")] == ["installed_ones"]


def test_a_broken_package_is_named_once_and_left_out(site: Path) -> None:
    broken = install(site, "broken_numbers", "import no_such_part", package="broken")
    sound = install(site, "sound_numbers", "loaded = True", package="sound")
    loader = ExtensionLoader(lambda: [broken, sound])
    with pytest.warns(RuntimeWarning, match="package broken extends prismseg with broken_numbers") as caught:
        loader()
    assert len(caught) == 1
    assert "No module named 'no_such_part'" in str(caught[0].message)
    assert sys.modules["sound_numbers"].loaded
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        loader()


def test_a_broken_extension_of_prismseg_itself_raises(site: Path) -> None:
    own = install(site, "own_numbers", "import no_such_part", package="prismseg")
    loader = ExtensionLoader(lambda: [own])
    for _ in range(2):  # nor is it forgotten
        with pytest.raises(ModuleNotFoundError, match="no_such_part"):
            loader()


def test_an_extension_may_look_into_registries_while_it_is_loaded(site: Path) -> None:
    point = install(site, "curious_numbers", "import sys\nsys.modules['curious_hook'].look()\n")
    seen: list[object] = []

    class Hook:
        @staticmethod
        def look() -> None:
            numbers.register("one", 1)
            seen.append(numbers.names())
            seen.append(("two" in numbers, len(numbers)))
            numbers.register("two", 2)

    sys.modules["curious_hook"] = Hook  # type: ignore[assignment]
    numbers: Registry[int] = Registry("number", extensions=ExtensionLoader(lambda: [point]))
    assert numbers["two"] == 2
    assert seen == [("one",), (False, 1)]


def test_a_second_thread_waits_for_the_extensions(site: Path) -> None:
    point = install(site, "slow_numbers", "import sys\nsys.modules['slow_hook'].register()\n")
    started, release = threading.Event(), threading.Event()
    found: dict[str, bool] = {}

    class Hook:
        @staticmethod
        def register() -> None:
            started.set()
            assert release.wait(60)
            numbers.register("slow", 1)

    sys.modules["slow_hook"] = Hook  # type: ignore[assignment]
    numbers: Registry[int] = Registry("number", extensions=ExtensionLoader(lambda: [point]))

    def look(name: str) -> None:
        found[name] = "slow" in numbers

    first = threading.Thread(target=look, args=("first",))
    first.start()
    assert started.wait(60)
    second = threading.Thread(target=look, args=("second",))
    second.start()
    second.join(0.05)
    assert second.is_alive()  # without the wait it would have found nothing, and said so
    release.set()
    for thread in (first, second):
        thread.join(60)
    assert found == {"first": True, "second": True}

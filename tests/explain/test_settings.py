import inspect

import pytest

from prismseg.base import ConfigError
from prismseg.cli import explain as cli_explain
from prismseg.explain import Atlas, ExplainSettings
from prismseg.explain.registries import DEFAULT_REGION


def test_what_is_named_twice_counts_once():
    """A region or method that is named twice doubled the cases behind its means."""
    twice = ExplainSettings(layers=("head", "head"), methods=("gradcam", "gradcam"), regions=("truth", "truth"))
    assert (twice.layers, twice.methods, twice.regions) == (("head",), ("gradcam",), ("truth",))


def test_the_atlas_and_the_command_explain_the_same_region_by_default(small):
    assert Atlas(small).settings.region == DEFAULT_REGION == ExplainSettings().regions[0] == "prediction"
    command = inspect.signature(cli_explain.explain).parameters["regions"].default
    assert command.split(",")[0] == DEFAULT_REGION


@pytest.mark.parametrize(
    "options, message",
    [
        ({"methods": ()}, "at least one of the methods"),
        ({"methods": ("layercam", "gradcan")}, "Did you mean 'gradcam'"),
        ({"regions": ("prediction", "foot")}, "no region 'foot'"),
        ({"layers": ()}, "at least one of the layers"),
        ({"memory": 0}, "must be allowed some memory"),
        ({"memory": float("nan")}, "must be allowed some memory"),
    ],
)
def test_wrong_settings_are_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        ExplainSettings(**options)


def test_settings_are_checked_before_torch_is_loaded():
    import subprocess
    import sys

    code = """
import sys
from prismseg.explain import ExplainSettings
try:
    ExplainSettings(methods=("gradcan",))
except ValueError:
    print("torch" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"

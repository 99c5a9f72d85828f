"""Options that were given though nothing reads them there are refused by name, before anything is done."""

import pytest
from tests.data.layouts.planted import SQUARE, save
from typer.testing import CliRunner

from prismseg import create_model
from prismseg.base import ConfigError
from prismseg.cli.main import app

TRAIN = "train DATA --out OUT --size 32 --width 0.25 --steps 1 --device cpu --quiet"
IDLE = {
    f"{TRAIN} --relevance-margin 2": "--relevance-margin .*without --relevance",
    f"{TRAIN} --relevance-every 2 --relevance 0": "--relevance-every .*without --relevance",
    f"{TRAIN} --crop-foreground 0.5": "--crop-foreground .*without --crop",
    f"{TRAIN} --momentum 0.5 --optimizer adam": "--momentum .*on adam",
    f"{TRAIN} --skip none --multiplier 3": "--multiplier .*no layer",
    f"{TRAIN} --folds 2 --fractions 0.5,0.2,0.3": "--fractions .*cross-validation",
    "instant DATA --out OUT --folds 2 --fractions 0.5,0.2,0.3": "--fractions .*cross-validation",
    "evaluate OUT --margins-per case": "--margins-per .*without --margins",
    "evaluate OUT DATA --margins-share 1.0": "--margins-share .*without --margins",  # also at its default
    "predict thermal-feet-small DATA --out OUT --overlap 64": "--overlap .*squeezed",
    "predict thermal-feet-small DATA --out OUT --large-from 16": "--large-from .*--shrink 1",
    "ensemble OUT MODEL --out OUT --data DATA": "--data .*without --weights auto",
    "ensemble OUT MODEL --out OUT --weights 2,1 --group prefix": "--group .*without --weights auto",
    "spectrum OUT --bands 0 --part train": "--part .*no band",
    "spectrum OUT DATA --bands 0": "DATA .*no band",
    "spectrum OUT --binary": "--binary .*without DATA",
    "study run kernel --quick --address auto": "--address .*on loky",
    "study run kernel --quick --backend sequential --jobs 2": "--jobs .*one run at a time",
    "thermal train --out OUT --left-out none --left-out-frames 4": "--left-out-frames .*no domain",
    "thermal measure DATA --formats pdf": "--formats .*without --out",
    "thermal measure DATA --timelapse": "--timelapse .*without --out",
    "thermal measure DATA --masks DATA --model thermal-feet-small": "--model .*beside --masks",
    "thermal review DATA --masks DATA --model thermal-feet-small": "--model .*beside --masks",
    "thermal read DATA --scale each": "--scale .*without --out",
    "monitor --data OUT --empty --scale 20:38 --backup-hours 2": "--backup-hours .*without --backup",
}  # fmt: skip


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    root = tmp_path_factory.mktemp("idle")
    for name in ("a", "b", "c", "d"):
        save(root / "data" / "images" / f"{name}.png")
        save(root / "data" / "masks" / f"{name}.png", SQUARE)
    create_model("unet", "none", width=0.25).save_pretrained(root / "model")
    return {"DATA": root / "data", "MODEL": root / "model", "OUT": root / "out"}


@pytest.mark.parametrize("line", IDLE)
def test_an_option_without_effect_is_refused(places, line):
    words = [str(places.get(word, word)) for word in line.split()]
    error = CliRunner().invoke(app, words).exception
    assert isinstance(error, ConfigError), error
    with pytest.raises(ConfigError, match=f"{IDLE[line]}.*; leave it out"):
        raise error
    assert not places["OUT"].exists()

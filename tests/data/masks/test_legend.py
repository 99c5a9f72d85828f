"""Legends: which colour or stored number of a mask is which class."""

import json

import numpy as np
import pytest
from PIL import Image

from prismseg.base import ConfigError, DataError
from prismseg.data import check_dataset, open_dataset, read_legend
from prismseg.data.masks.legend import Legend
from prismseg.data.sample import IGNORE

LABELS = np.array([[0, 0, 1, 1], [0, 2, 2, 1]])
COLOURS = np.array([[0, 0, 0], [255, 0, 0], [0, 128, 255]], np.uint8)
ENTRIES = {"#000000": "background", "#ff0000": "nerve", "#0080ff": "vessel"}

FILES = {
    "a.json": json.dumps({"#000000": "background", "#F00": "nerve", "0,128,255": "vessel"}),
    "names.json": json.dumps({"background": [0, 0, 0], "nerve": "red", "vessel": "#0080FF"}),
    "a.yaml": "'#000000': background\n'#ff0000': nerve\n'#0080ff': vessel\n",
    "names.yml": "background: '#000000'\nnerve: [255, 0, 0]\nvessel: [[0, 128, 255]]\n",
    "a.csv": 'colour,class\n#000000,background\n#ff0000,nerve\n"0,128,255",vessel\n',
    "camvid.csv": "name,r,g,b\nbackground,0,0,0\nnerve,255,0,0\nvessel,0,128,255\n",
    "excel.csv": "\ufeffLabel;Color\nbackground;#000000\nnerve;#ff0000\nvessel;#0080ff\n",
    "labelmap.txt": "# label:color_rgb:parts:actions\nbackground:0,0,0::\nnerve:255,0,0::\nvessel:0,128,255::\n",
}


@pytest.mark.parametrize("name", FILES)
def test_every_form_says_the_same(tmp_path, name):
    (tmp_path / name).write_text(FILES[name], encoding="utf-8")
    assert list(read_legend(tmp_path / name).items()) == list(ENTRIES.items())


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.json", "{", "cannot be read"),
        ("a.json", "[1]", "must map"),
        ("a.json", '{"#000000": "background"}', "two classes or more"),
        ("a.json", '{"#000000": "background", "#ff0000": "bg"}', "two classes or more"),
        (
            "a.json",
            '{"#000000": "tissue", "#ff0000": "nerve"}',
            "calls #000000 'tissue' and no class 'background'",
        ),
        ("a.json", '{"0-9": "tissue", "30": "nerve"}', "calls 0-9 'tissue'"),
        ("a.json", '{"#000000": "background", "30": "nerve"}', "not both"),
        ("a.json", '{"0-127": "background", "100-255": "nerve"}', "cover the value 100"),
        ("a.json", '{"9-1": "background", "100": "nerve"}', "ends before"),
        ("a.json", '{"0": "background", "nerv": "nerve"}', "nerv"),
        ("a.yaml", "#000000: background\n", "must map"),
        ("a.csv", "a,b\n1,2\n", "column of names"),
        ("a.csv", "name,r,g,b\nbackground,0,0,0\nnerve,300,0,0\n", "above 255"),
        ("a.csv", "colour,class\n#000,background\n#000000,nerve\n", "twice"),
        ("a.json", '{"#000": "background", "#f00": "nerve", "#f00": "vessel"}', "#f00 is named twice"),
        ("a.yaml", "background: black\nnerve: red\nnerve: lime\n", "nerve is named twice"),
        ("a.csv", "colour,class\n#000000,background\n#ff0000,\n#00ff00,vessel\n", "#ff0000 has no class name"),
        ("a.txt", "background 0 0 0", "labelmap"),
        ("a.xml", "<a/>", r"\.csv, \.json"),
    ],
)
def test_faults_are_named_with_the_file(tmp_path, name, text, words):
    (tmp_path / name).write_text(text)
    with pytest.raises(ConfigError, match=words) as caught:
        read_legend(tmp_path / name)
    assert name in str(caught.value)


def test_an_absent_legend(tmp_path):
    with pytest.raises(ConfigError, match="no file"):
        read_legend(tmp_path / "absent.csv")


def write(folder, mask, *, mode=None, suffix=".png"):
    (folder / "images").mkdir(parents=True, exist_ok=True)
    (folder / "masks").mkdir(exist_ok=True)
    rng = np.random.default_rng(0)
    for name in ("a", "b"):
        Image.fromarray(rng.integers(0, 255, (2, 4), dtype=np.uint8)).save(folder / "images" / f"{name}.png")
        picture = Image.fromarray(np.asarray(mask, np.uint8))
        (picture if mode is None else picture.convert(mode, palette=Image.Palette.ADAPTIVE)).save(
            folder / "masks" / f"{name}{suffix}"
        )
    return folder


@pytest.mark.parametrize("mode", [None, "P", "RGBA"])
def test_colour_masks(tmp_path, mode):
    dataset = open_dataset(write(tmp_path, COLOURS[LABELS], mode=mode), colours=ENTRIES)
    assert dataset.classes == ["background", "nerve", "vessel"]
    assert dataset[0].mask.tolist() == LABELS.tolist()
    joined = open_dataset(tmp_path, colours=ENTRIES, binary=True)
    assert joined.classes == ["background", "foreground"]
    assert joined[0].mask.tolist() == np.minimum(LABELS, 1).tolist()


def test_the_background_is_the_first_class_wherever_it_is_listed(tmp_path):
    entries = {"#ff0000": "nerve", "#000000": "Background", "#0080ff": "vessel"}
    dataset = open_dataset(write(tmp_path, COLOURS[LABELS]), colours=entries)
    assert dataset.classes == ["Background", "nerve", "vessel"] and dataset[0].mask.tolist() == LABELS.tolist()
    exchanged = {"#000000": "background", "#0080ff": "vessel", "#ff0000": "nerve"}
    assert open_dataset(tmp_path, colours=exchanged)[0].mask.tolist() == np.array([0, 2, 1])[LABELS].tolist()


def test_where_every_pixel_is_of_a_class_none_is_background(tmp_path):
    entries = {"#000000": "Void", "#ff0000": "road", "#0080ff": "sky"}
    dataset = open_dataset(write(tmp_path, COLOURS[LABELS]), colours=entries)
    assert dataset.classes == ["background", "road", "sky"]
    assert dataset[0].mask.tolist() == np.array([IGNORE, 1, 2])[LABELS].tolist()


def test_numbers_ranges_negatives_and_pixels_that_count_nowhere(tmp_path):
    stored = np.array([[0, 127, 128, 255], [1, 40, 254, 200]])
    legend = {"0-127": "background", "128-254": "nerve", "255": "ignore"}
    dataset = open_dataset(write(tmp_path, stored), colours=legend)
    assert dataset[0].mask.tolist() == [[0, 0, 1, 255], [0, 0, 1, 1]]
    for name in ("a", "b"):
        (tmp_path / "masks" / f"{name}.png").unlink()
        np.save(tmp_path / "masks" / f"{name}.npy", np.array([[-1.0, 1, 2, 1], [1, 1, 2, 2]]))
    dataset = open_dataset(tmp_path, colours={"1": "background", "2": "nerve", "-1": "void"})
    assert dataset[0].mask.tolist() == [[255, 0, 1, 0], [0, 0, 1, 1]]


def test_two_colours_of_one_class_and_one_based_labels(tmp_path):
    legend = {"1": "background", "2": "nerve", "3": "nerve"}
    dataset = open_dataset(write(tmp_path, LABELS + 1), colours=legend)
    assert (
        dataset.classes == ["background", "nerve"]
        and dataset[0].mask.tolist() == (LABELS > 0).astype(int).tolist()
    )


def test_a_colour_that_is_not_in_the_legend_is_named(tmp_path):
    write(tmp_path, COLOURS[LABELS])
    partial = {key: name for key, name in ENTRIES.items() if name != "vessel"}
    with pytest.raises(DataError, match=r"masks/a\.png.*#0080ff.*Add them"):
        open_dataset(tmp_path, colours=partial)[0]
    kinds = [(f.severity, f.kind) for f in check_dataset(tmp_path, colours=partial)]
    assert kinds.count(("error", "not in the legend")) == 2
    assert {f.severity for f in check_dataset(tmp_path, colours=ENTRIES)} == {"info"}


def test_names_beside_a_legend_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="leave out --classes"):
        open_dataset(write(tmp_path, COLOURS[LABELS]), colours=ENTRIES, classes=["background", "nerve", "vessel"])


def test_a_legend_survives_a_run_s_settings(tmp_path):
    from prismseg.train.config import read_config, write_config
    from prismseg.train.configure import configure

    entries = {"#ff0000": "nerve", "#000000": "background", "#0080ff": "a vessel"}
    write_config(tmp_path / "config.yaml", configure({"data": {"path": "x", "colours": entries}}))
    # The order of the classes is that of the entries.
    kept = read_config(tmp_path / "config.yaml").data.colours
    assert kept is not None and list(kept.items()) == list(entries.items())


def test_the_data_set_knows_another_legend_from_this(tmp_path):
    write(tmp_path, COLOURS[LABELS])
    exchanged = ENTRIES | {"#ff0000": "vessel", "#0080ff": "nerve"}
    assert (
        open_dataset(tmp_path, colours=ENTRIES).fingerprint()
        != open_dataset(tmp_path, colours=exchanged).fingerprint()
    )
    turned = open_dataset(tmp_path, colours=ENTRIES).with_classes(["background", "vessel", "nerve"])
    assert turned[0].mask.tolist() == np.array([0, 2, 1])[LABELS].tolist()


def test_legend_of_needs_two_classes():
    with pytest.raises(ConfigError, match="background"):
        Legend.from_entries({"0": "background", "1": "ignore"})

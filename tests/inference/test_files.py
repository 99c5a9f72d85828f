"""Prediction for pictures, folders and lists as people have them."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from typer.testing import CliRunner

from prismseg.base import DataError, OutputError
from prismseg.data import Preprocess, read_image
from prismseg.inference import Predictor, predict_files
from prismseg.inference import predictor as module
from prismseg.inference.images import find_images
from prismseg.nets import create_model


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    network = create_model("unet", skip="none", in_channels=1, classes=3, width=0.1)
    network.metadata |= {
        "preprocess": Preprocess(size=(32, 32), channels=1).to_dict(),
        "classes": ["background", "nerve", "vessel"],
        "mirror": False,
        "postprocess": "none",
    }
    return network


@pytest.fixture(scope="module")
def predictor(model):
    return Predictor(model)


def picture(path, seed=0, size=(40, 48), **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 255, (size[0] // 4 + 1, size[1] // 4 + 1), dtype=np.uint8)
    Image.fromarray(pixels).resize(size[::-1], Image.Resampling.BILINEAR).save(path, **options)
    return path


def run(predictor, sources, out, **options):
    return predict_files(predictor, sources, out, show_progress=False, **options)


def test_a_folder(predictor, tmp_path):
    for name in ("a", "b"):
        picture(tmp_path / "pictures" / f"{name}.png")
    report = run(predictor, tmp_path / "pictures", tmp_path / "out")
    assert [path.name for path in report.masks] == ["a.png", "b.png"] and not report.failed and not report.unread
    mask = Image.open(report.masks[0])
    assert mask.mode == "P" and mask.size == (48, 40)
    np.testing.assert_array_equal(np.asarray(mask), predictor(tmp_path / "pictures" / "a.png").mask)
    overlay = np.asarray(Image.open(tmp_path / "out" / "overlays" / "a.png"))
    assert overlay.shape == (40, 48, 3)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["masks", "overlays"]


def test_probabilities_only_on_demand(predictor, tmp_path):
    run(predictor, picture(tmp_path / "a.png"), tmp_path / "out", probabilities=True)
    stored = np.load(tmp_path / "out" / "probabilities" / "a.npy")
    assert stored.dtype == np.float16 and stored.shape == (3, 40, 48)
    np.testing.assert_allclose(stored, predictor(tmp_path / "a.png").probabilities, atol=1e-3)
    assert list((tmp_path / "out" / "probabilities").iterdir()) == [tmp_path / "out" / "probabilities" / "a.npy"]


def test_people_s_folders(predictor, tmp_path):
    folder = tmp_path / "in"
    for name in ("x.PNG", "Ünïcode name.jpg", "w.webp", "t.TIFF"):
        picture(folder / name)
    picture(folder / "tiny.png", size=(3, 3))
    for name in ("._x.png", ".DS_Store", "Thumbs.db", "desktop.ini"):
        (folder / name).write_bytes(b"junk")
    (folder / "scan.dcm").write_bytes(b"x")
    (folder / "notes.txt").write_text("x")
    (folder / "folder.png").mkdir()
    (folder / "damaged.png").write_bytes(picture(tmp_path / "whole.png").read_bytes()[:200])
    (folder / "empty.png").write_bytes(b"")
    (folder / "link.png").symlink_to(tmp_path / "gone.png")
    report = run(predictor, folder, tmp_path / "out")
    assert sorted(path.stem for path in report.masks) == ["t", "tiny", "w", "x", "Ünïcode name"]
    assert [path.name for path in report.unread] == ["notes.txt"]
    assert sorted(path.name for path in report.failed) == ["damaged.png", "empty.png", "link.png", "scan.dcm"]
    for path, reason in report.failed.items():
        assert str(path) in reason
    assert "gone.png" in report.failed[folder / "link.png"]
    assert len(list((tmp_path / "out" / "masks").iterdir())) == 5
    assert Image.open(tmp_path / "out" / "masks" / "tiny.png").size == (3, 3)


def test_a_picture_that_the_network_cannot_take_is_named(predictor, tmp_path):
    np.save(tmp_path / "five.npy", np.zeros((9, 9, 5), np.uint8))
    report = run(predictor, [tmp_path / "five.npy", picture(tmp_path / "a.png")], tmp_path / "out")
    assert [path.stem for path in report.masks] == ["a"]
    assert (
        "five.npy" in report.failed[tmp_path / "five.npy"] and "5 channels" in report.failed[tmp_path / "five.npy"]
    )


def test_lists_and_tables(predictor, tmp_path, monkeypatch):
    picture(tmp_path / "a" / "1.png", 1)
    picture(tmp_path / "a" / "2.png", 2)
    picture(tmp_path / "a" / "._2.png", 2)
    (tmp_path / "list.txt").write_text("\ufeffa/1.png\n\n a/2.png \na/._2.png\na/absent.png\n")
    report = run(predictor, tmp_path / "list.txt", tmp_path / "o1")
    assert [path.stem for path in report.masks] == ["1", "2"]
    assert [path.name for path in report.failed] == ["absent.png"]
    (tmp_path / "t.csv").write_text("id,image,group\n1,a/1.png,x\n2,a/2.png,y\n")
    assert len(run(predictor, tmp_path / "t.csv", tmp_path / "o2").masks) == 2
    everything = [tmp_path / "list.txt", tmp_path / "a", tmp_path / "t.csv", tmp_path / "a" / "1.png"]
    assert [path.stem for path in run(predictor, everything, tmp_path / "o3").masks] == ["1", "2"]
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "here.txt").write_text("a/1.png\n")
    monkeypatch.chdir(tmp_path)
    assert len(run(predictor, "lists/here.txt", tmp_path / "o4").masks) == 1


def test_lists_as_people_write_them(predictor, tmp_path):
    for name in ("a", "#1"):
        picture(tmp_path / "pictures" / f"{name}.png")
    lines = ["# the first ward", '"pictures\\a.png"', "", "'pictures/a.png' ", "  pictures/#1.png", "pictures"]
    (tmp_path / "list.txt").write_text("\r\n".join(lines))
    (tmp_path / "table.csv").write_text(
        '\ufeffImage, note\npictures/a.png,"two\nlines"\n pictures/#1.png ,\nnan,\n'
    )
    report = run(predictor, tmp_path / "list.txt", tmp_path / "out")
    assert [path.stem for path in report.masks] == ["a", "#1"]
    assert list(report.failed.values()) == [f"{tmp_path}/pictures is a folder; name the images in it."]
    table = run(predictor, tmp_path / "table.csv", tmp_path / "other")
    assert [path.stem for path in table.masks] == ["a", "#1"] and not table.failed


def test_no_earlier_result_stays_under_a_picture_that_has_none_now(predictor, tmp_path):
    path = picture(tmp_path / "pictures" / "a.png")
    run(predictor, path, tmp_path / "out", probabilities=True)
    path.write_bytes(b"")
    assert run(predictor, path, tmp_path / "out").failed
    assert not [path for path in (tmp_path / "out").rglob("*") if path.is_file()]


def test_equal_names_do_not_overwrite_each_other(predictor, tmp_path):
    paths = [
        picture(tmp_path / "in" / name, seed)
        for seed, name in enumerate(
            ["a/1.png", "b/1.png", "b/2.png", "b/2.bmp", "b/A.png", "b/a.bmp", "c/a_1.png"]
        )
    ]
    names = find_images(paths).names
    assert [names[path] for path in paths[:4]] == ["a_1-2", "b_1", "b_2_png", "b_2_bmp"] or len(
        {name.casefold() for name in names.values()}
    ) == len(paths)
    report = run(predictor, paths, tmp_path / "out")
    assert len({path.name.casefold() for path in report.masks}) == 7
    for path, mask in zip(paths, report.masks, strict=True):
        np.testing.assert_array_equal(np.asarray(Image.open(mask)), predictor(path).mask)
    plain = find_images([tmp_path / "in" / "a", tmp_path / "in" / "b" / "2.png"])
    assert sorted(plain.names.values()) == ["1", "2"]
    pair = find_images([tmp_path / "in" / "a" / "1.png", tmp_path / "in" / "b" / "1.png"])
    assert sorted(pair.names.values()) == ["a_1", "b_1"]


def test_refusals(predictor, tmp_path):
    with pytest.raises(DataError, match="no file or folder"):
        run(predictor, tmp_path / "absent", tmp_path / "out")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no image"):
        run(predictor, tmp_path / "empty", tmp_path / "out")
    picture(tmp_path / "set" / "images" / "a.png")
    with pytest.raises(DataError, match=r"There are images in .*set/images"):
        run(predictor, tmp_path / "set", tmp_path / "out")
    for folder in ("images", "masks"):
        picture(tmp_path / "set" / folder / "a.png")
        with pytest.raises(OutputError, match="among the images"):
            run(predictor, tmp_path / "set" / folder, tmp_path / "set" / (folder if folder == "images" else "."))
    (tmp_path / "t.csv").write_text("picture\na.png\n")
    with pytest.raises(DataError, match="column named image"):
        run(predictor, tmp_path / "t.csv", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("height", [33, 100, 257])
def test_bands_give_what_one_piece_gives(monkeypatch, height):
    low = torch.rand(1, 3, 16, 12, generator=torch.Generator().manual_seed(height)).softmax(1)
    whole = F.interpolate(low, size=(height, 70), mode="bilinear", align_corners=False)[0]
    for values in (1, 1000, 5000):
        monkeypatch.setattr(module, "BAND_VALUES", values)
        bands = list(module._bands(low, height, 70))
        assert len(bands) > 1
        torch.testing.assert_close(torch.cat([band for _, band in bands], dim=1), whole, atol=1e-6, rtol=0)
        assert [rows.start for rows, _ in bands[1:]] == [rows.stop for rows, _ in bands[:-1]]


def test_a_mask_made_in_bands(predictor, tmp_path, monkeypatch):
    path = picture(tmp_path / "a.png", size=(300, 200))
    whole = predictor(path)
    monkeypatch.setattr(module, "BAND_VALUES", 20_000)
    stored = np.zeros((3, 300, 200), np.float32)
    mask = predictor.segment(read_image(path), probabilities=stored)
    np.testing.assert_allclose(stored, whole.probabilities, atol=1e-5)
    assert (mask != whole.mask).mean() < 1e-3  # ties may fall otherwise


def test_overlays_of_large_pictures_are_thinned_out(predictor, tmp_path, monkeypatch):
    monkeypatch.setattr("prismseg.inference.files.OVERLAY_PIXELS", 1000)
    run(predictor, picture(tmp_path / "a.png"), tmp_path / "out")
    assert Image.open(tmp_path / "out" / "overlays" / "a.png").size == (24, 20)
    assert Image.open(tmp_path / "out" / "masks" / "a.png").size == (48, 40)


def test_the_command_reports_and_exits_with_1(model, tmp_path):
    from prismseg.cli.main import app

    model.save_pretrained(tmp_path / "net")
    picture(tmp_path / "in" / "a.png")
    (tmp_path / "in" / "._a.png").write_bytes(b"junk")
    (tmp_path / "in" / "x.heic").write_bytes(b"x")
    arguments = ["predict", str(tmp_path / "net"), str(tmp_path / "in"), "--out", str(tmp_path / "o"), "--quiet"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0 and "Wrote 1 masks" in result.output and "x.heic" in result.output
    (tmp_path / "in" / "b.png").write_bytes(b"damaged")
    result = CliRunner().invoke(app, [*arguments, str(tmp_path / "in" / "a.png")])
    assert result.exit_code == 1 and "Wrote 1 masks" in result.output and "b.png" in result.output
    assert not (tmp_path / "o" / "probabilities").exists()

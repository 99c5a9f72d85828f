"""A large image piece by piece: the mask of the whole, whatever happens on the way, in flat memory."""

import json

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image
from typer.testing import CliRunner

from prismseg.base import DataError, ModelError
from prismseg.cli.main import app
from prismseg.data import Preprocess, read_image, read_mask
from prismseg.data.images.windows import open_windows
from prismseg.inference import Predictor, predict_files
from prismseg.inference.large import grid, predict
from prismseg.nets import create_model


def make_network(intensity="zscore", shrink=1, norm="batch", **metadata):
    torch.manual_seed(1)
    model = create_model("unet", skip="none", in_channels=1, classes=3, width=0.1, norm=norm)
    with torch.no_grad():  # so that all classes are predicted somewhere
        model.head.bias -= model.eval()(torch.randn(1, 1, 64, 64)).mean((0, 2, 3))
    model.metadata |= {
        "preprocess": Preprocess((32, 32), 1, intensity, "native", shrink).to_dict(),
        "classes": ["background", "nerve", "vessel"],
        "mirror": True,
        "postprocess": "none",
        **metadata,
    }
    return model


@pytest.fixture(scope="module")
def model():
    return make_network()


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch):
    monkeypatch.setattr(grid, "TILE", 64)
    monkeypatch.setattr(predict, "LOOKED_AT", 100)


@pytest.fixture
def slide(tmp_path):
    """An image with something in it at every place, of sides that nothing divides."""
    (tmp_path / "in").mkdir()
    return draw(tmp_path / "in" / "slide.tif", 203, 149)


def draw(path, height, width):
    rows, columns = np.mgrid[:height, :width]
    noise = np.random.default_rng(0).normal(0, 20, rows.shape) * (rows < height / 2)
    pixels = (120 + 60 * np.sin(rows / 9) * np.cos(columns / 7) + noise).clip(0, 255).astype(np.uint8)
    tifffile.imwrite(path, pixels, tile=(48, 32), compression="zlib")
    return path


def run(predictor, path, out, **options):
    return predict_files(predictor, path, out, show_progress=False, **{"large_from": 0, "overlap": 32, **options})


@pytest.mark.parametrize(
    ("intensity", "shrink", "mirror"), [("zscore", 1, False), ("unit", 1, True), ("zscore", 2, False)]
)
def test_pieces_give_what_the_whole_image_gives(tmp_path, intensity, shrink, mirror):
    slide = draw(tmp_path / "slide.tif", 259 * shrink - 1, 283 * shrink)
    predictor = Predictor(make_network(intensity, shrink), mirror=mirror)
    report = run(predictor, slide, tmp_path / "out", probabilities=True, overlap=96)
    assert not report.failed and report.large[slide].pieces > 1 and report.large[slide].seam < 1e-3
    whole = predictor(slide)
    stored = np.load(tmp_path / "out" / "probabilities" / "slide.npy")
    assert stored.dtype == np.float16
    assert np.abs(stored - whole.probabilities).max() < 1e-3
    sure = np.diff(np.sort(whole.probabilities, 0)[-2:], axis=0)[0] > 1e-3  # ties may be broken otherwise
    mask = read_mask(report.masks[0])
    np.testing.assert_array_equal(mask[sure], whole.mask[sure])
    assert len(np.unique(mask)) > 1 and sure.mean() > 0.95


def test_too_little_around_a_piece_makes_seams_that_are_told(slide, tmp_path, model):
    report = run(Predictor(model), slide, tmp_path / "out", overlap=16)
    assert report.large[slide].seam > 1e-3
    # Means over what the network is shown differ from piece to piece, whatever it is shown.
    report = run(Predictor(make_network(norm="group")), slide, tmp_path / "group", overlap=64)
    assert report.large[slide].seam > 1e-3


def test_a_sample_of_the_pieces_sets_one_scale_for_all_of_them(slide, tmp_path, model, monkeypatch):
    monkeypatch.setattr(predict, "LOOKED_AT", 4)
    looked = []
    original = Predictor.look
    monkeypatch.setattr(
        Predictor, "look", lambda self, *given: (looked.append(given[1:3]), original(self, *given))
    )
    report = run(Predictor(model), slide, tmp_path / "out", overlap=64)
    assert report.large[slide].pieces == 4 == len(set(looked))
    looked.clear()
    report = run(Predictor(model), slide, tmp_path / "out", overlap=32)
    assert report.large[slide].pieces == 12 and len(set(looked)) == 4


def test_the_seam_is_the_difference_of_two_pieces_at_their_border(slide, tmp_path, model, monkeypatch):
    kept = {}
    original = predict._Seams.compare
    monkeypatch.setattr(
        predict._Seams,
        "compare",
        lambda self, piece, low: (
            kept.update({(piece.row, piece.column): (piece, low)}),
            original(self, piece, low),
        ),
    )
    report = run(Predictor(model), slide, tmp_path / "out", overlap=16)
    largest = 0.0
    for (row, column), (piece, low) in kept.items():
        for (down, across), axis in (((0, 1), 2), ((1, 0), 1)):
            if (row + down, column + across) not in kept:
                continue
            after, other = kept[row + down, column + across]
            ours, theirs = (piece.columns, after.columns) if axis == 2 else (piece.rows, after.rows)
            border = ours.keep_stop - 1  # the last line that is kept of this piece, in both
            pair = low.select(axis, border - ours.start), other.select(axis, border - theirs.start)
            along = piece.rows if axis == 2 else piece.columns
            largest = max(largest, float((pair[0] - pair[1])[:, along.kept(1)].abs().max()))
    assert report.large[slide].seam == pytest.approx(largest, abs=0)


def test_a_stopped_prediction_goes_on_where_it_was(slide, tmp_path, model, monkeypatch):
    predictor, out = Predictor(model), tmp_path / "out"
    run(predictor, slide, tmp_path / "whole", probabilities=True)
    computed = []
    original = Predictor.probabilities

    def stop_at_5(self, x, **options):
        if len(computed) == 5:
            raise KeyboardInterrupt
        computed.append(x.shape)
        return original(self, x, **options)

    monkeypatch.setattr(Predictor, "probabilities", stop_at_5)
    with pytest.raises(KeyboardInterrupt):
        run(predictor, slide, out, probabilities=True)
    assert not (out / "masks" / "slide.tif").exists() and not (out / "probabilities" / "slide.npy").exists()
    monkeypatch.setattr(Predictor, "probabilities", original)
    report = run(predictor, slide, out, probabilities=True)
    assert report.large[slide].resumed == 5 < report.large[slide].pieces
    for name in ("masks/slide.tif", "probabilities/slide.npy", "overlays/slide.png"):
        assert (out / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert sorted(path.name for path in (out / "masks").iterdir()) == ["slide.tif"]
    assert sorted(path.name for path in (out / "probabilities").iterdir()) == ["slide.npy"]
    # A finished one is not made again, unless something is asked for that is not there.
    monkeypatch.setattr(Predictor, "probabilities", stop_at_5)
    assert run(predictor, slide, out, probabilities=True).large[slide].resumed == report.large[slide].pieces


def test_pieces_of_another_network_image_or_setting_are_not_taken(slide, tmp_path, model, monkeypatch):
    out = tmp_path / "out"
    original = predict.PieceStore.assemble
    monkeypatch.setattr(predict.PieceStore, "assemble", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        run(Predictor(model), slide, out)
    monkeypatch.setattr(predict.PieceStore, "assemble", original)
    for change in ("mirror", "overlap", "shrink", "image"):
        if change == "image":
            tifffile.imwrite(slide, 255 - read_image(slide)[..., 0], tile=(48, 32))
        predictor = Predictor(model, mirror=change == "mirror", shrink=2 if change == "shrink" else None)
        report = run(predictor, slide, out, overlap=16 if change == "overlap" else 32)
        assert report.large[slide].resumed == 0


def test_the_mask_is_a_tiled_palette_image_that_says_how_it_was_made(slide, tmp_path, model):
    report = run(Predictor(model), slide, tmp_path / "out")
    with tifffile.TiffFile(report.masks[0]) as file:
        page = file.pages.first
        assert (
            page.is_tiled and (page.tilelength, page.tilewidth) == (64, 64) and page.photometric.name == "PALETTE"
        )
        key = json.loads(page.description)
    assert key["image"][0] == "slide.tif" and key["overlap"] == 32
    colours = np.asarray(Image.open(tmp_path / "out" / "overlays" / "slide.png"))
    assert colours.shape == (203, 149, 3)
    with Image.open(report.masks[0]) as mask:  # also for readers that know nothing of us
        np.testing.assert_array_equal(np.asarray(mask), read_mask(report.masks[0]))


def test_a_thinned_overlay_lies_where_the_image_does(slide, tmp_path, model, monkeypatch):
    monkeypatch.setattr("prismseg.inference.files.LARGE_OVERLAY_PIXELS", 2000)
    drawn = []
    monkeypatch.setattr(
        "prismseg.inference.files._write_overlay", lambda path, image, mask: drawn.append((image, mask))
    )
    report = run(Predictor(model), slide, tmp_path / "out")
    ((image, mask),) = drawn
    np.testing.assert_array_equal(image, read_image(slide)[::4, ::4])
    np.testing.assert_array_equal(mask, read_mask(report.masks[0])[::4, ::4])


def test_which_images_go_piece_by_piece(slide, tmp_path, model):
    Image.fromarray(read_image(slide)[..., 0]).save(slide.with_name("picture.png"))
    np.save(slide.with_name("array.npy"), read_image(slide))
    report = run(Predictor(model), slide.parent, tmp_path / "all")
    assert sorted(path.name for path in report.large) == ["array.npy", "slide.tif"] and len(report.masks) == 3
    report = run(Predictor(model), slide.parent, tmp_path / "some", large_from=16)
    assert not report.large and [path.name for path in report.masks] == ["array.png", "picture.png", "slide.png"]
    squeezing = make_network()
    squeezing.metadata["preprocess"] = Preprocess((32, 32), 1).to_dict()
    assert not run(Predictor(squeezing), slide.parent, tmp_path / "squeezed").large
    assert len(run(Predictor(squeezing, shrink=1), slide.parent, tmp_path / "own").large) == 2
    # The other mask of an image does not stay beside the new one.
    report = run(Predictor(model), slide, tmp_path / "some")
    assert sorted(path.name for path in (tmp_path / "some" / "masks").glob("slide*")) == ["slide.tif"]


def test_a_pyramid_is_read_at_its_finest_level(tmp_path, model):
    pixels = np.random.default_rng(0).integers(0, 250, (80, 64), dtype=np.uint8)
    with tifffile.TiffWriter(tmp_path / "slide.tif") as file:
        file.write(pixels, tile=(32, 32), subifds=1)
        file.write(pixels[::2, ::2], tile=(32, 32), subfiletype=1)
        file.write(pixels[:16], metadata=None)  # a label
    report = run(Predictor(model), tmp_path / "slide.tif", tmp_path / "out", large_from=16)
    assert report.large[tmp_path / "slide.tif"].left_out == 1
    np.testing.assert_array_equal(read_mask(report.masks[0]), Predictor(model).segment(pixels))


@pytest.mark.parametrize("pyramid", [False, True])
def test_a_slide_in_jpeg_gives_the_mask_of_the_whole(tmp_path, model, pyramid):
    pytest.importorskip("imagecodecs", reason="imagecodecs is not installed (extra slides)")
    pixels = tifffile.imread(draw(tmp_path / "plain.tif", 258, 283))
    options = {"tile": (48, 32), "compression": "jpeg"}
    with tifffile.TiffWriter(tmp_path / "slide.tif") as file:
        file.write(pixels, subifds=int(pyramid), **options)
        if pyramid:
            file.write(pixels[::2, ::2], subfiletype=1, **options)
    predictor = Predictor(model)
    report = run(predictor, tmp_path / "slide.tif", tmp_path / "out", overlap=96)
    assert not report.failed and report.large[tmp_path / "slide.tif"].pieces > 1
    whole = predictor(tmp_path / "slide.tif")
    sure = np.diff(np.sort(whole.probabilities, 0)[-2:], axis=0)[0] > 1e-3  # ties may be broken otherwise
    np.testing.assert_array_equal(read_mask(report.masks[0])[sure], whole.mask[sure])


def test_what_needs_the_whole_is_refused_before_anything_is_written(slide, tmp_path, model):
    for predictor, options, said in (
        (Predictor(make_network(postprocess="two-feet")), {}, "post-processing"),
        (Predictor(model), {"uncertainty": True}, "uncertainty"),
    ):
        with pytest.raises(ModelError, match=said):
            run(predictor, slide, tmp_path / "out", **options)
        assert not (tmp_path / "out").exists()


def test_a_damaged_image_is_reported_and_leaves_no_mask(slide, tmp_path, model):
    out = tmp_path / "out"
    run(Predictor(model), slide, out)
    slide.write_bytes(slide.read_bytes()[:-3000])
    report = run(Predictor(model), slide, out, probabilities=True)
    assert "slide.tif" in report.failed[slide] and not report.masks
    assert not (out / "masks" / "slide.tif").exists()
    assert not [path for folder in ("masks", "probabilities") for path in (out / folder).glob(".*")]


def test_why_a_large_image_has_no_windows_is_told(slide, tmp_path, model, monkeypatch):
    tifffile.imwrite(slide, read_image(slide)[..., 0], extratags=[(274, "H", 1, 6, True)])
    assert run(Predictor(model), slide, tmp_path / "out").masks  # turned, and read whole
    monkeypatch.setattr("prismseg.data.images.decoding.MAX_PIXELS", 1000)
    report = run(Predictor(model), slide, tmp_path / "out")
    assert "too large" in report.failed[slide] and "turned" in report.failed[slide]


def test_the_memory_does_not_grow_with_the_image(tmp_path, model, monkeypatch):
    """What is held at once are the windows; their largest is that of a piece with what lies around it."""
    sizes = []
    original = type(open_windows(write_zeros(tmp_path, 300))).read

    def watch(self, rows, columns, step=1):
        window = original(self, rows, columns, step)
        sizes.append(window.size)
        return window

    monkeypatch.setattr("prismseg.data.images.windows.TiffWindows.read", watch)
    monkeypatch.setattr("prismseg.inference.files.LARGE_OVERLAY_PIXELS", 10_000)
    largest = []
    for side in (200, 400):
        sizes.clear()
        run(Predictor(model), write_zeros(tmp_path, side), tmp_path / f"out{side}", overlap=32)
        largest.append(max(sizes))
    assert largest[0] == largest[1] == 128 * 128


def write_zeros(folder, side):
    path = folder / f"zeros{side}.tif"
    tifffile.imwrite(path, np.zeros((side, side), np.uint8), tile=(64, 64))
    return path


def test_the_command_tells_pieces_and_seams(slide, tmp_path, model):
    model.save_pretrained(tmp_path / "model")
    words = ["predict", tmp_path / "model", slide, "--out", tmp_path / "out", "--large-from", "0"]
    words += ["--quiet", "--overlap", "16"]
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exit_code == 0, result.output
    assert "12 pieces; where they meet, probabilities differ by at most" in result.output
    assert "--overlap helps" in result.output
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert "all of them finished before" in result.output


def test_channels_that_do_not_fit_are_named(tmp_path, model):
    np.save(tmp_path / "image.npy", np.zeros((70, 70, 5), np.uint8))
    report = run(Predictor(model), tmp_path / "image.npy", tmp_path / "out")
    assert "5 channels" in report.failed[tmp_path / "image.npy"]
    with pytest.raises(DataError):
        Predictor(model)(tmp_path / "image.npy")

"""The shipped networks do what their pages say, on frames they have never seen and on a real one."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from prismseg import Predictor
from prismseg.base import ModelError
from prismseg.nets import find_model, load_model
from prismseg.thermal import Frame, Session, Soles
from prismseg.thermal.network.segmenter import foot_probability
from prismseg.thermal.network.settings import trained_domains
from prismseg.thermal.phantom import DOMAINS, NO_INGREDIENTS, draw_subject, frame_at
from prismseg.train.runs.seen import SeenCases

NAMES = ("thermal-feet", "thermal-feet-small")


@pytest.fixture(scope="module", params=NAMES)
def predictor(request):
    return Predictor.from_pretrained(request.param)


@pytest.fixture(scope="module")
def best():
    return Predictor.from_pretrained("thermal-feet")


def dice(one, other):
    return 2 * (one & other).sum() / (one.sum() + other.sum())


@pytest.mark.parametrize(("name", "largest", "left_out"), [(NAMES[0], 25_000_000, 0), (NAMES[1], 3_000_000, 1)])
def test_they_are_small_and_safe_and_say_what_they_have_seen(name, largest, left_out):
    folder = find_model(name)
    assert sum(path.stat().st_size for path in folder.iterdir()) <= largest
    assert {path.suffix for path in folder.iterdir()} == {".safetensors", ".json", ".md"}
    facts = load_model(name).metadata["training"]
    assert len(set(DOMAINS) - set(trained_domains(facts))) == left_out
    assert all(part["training"]["cases"]["train"] == 0 for part in facts.get("members", [{"training": facts}]))
    # Simulated frames alone: no picture that anybody has.
    assert not SeenCases.from_metadata(load_model(name).metadata).train
    assert "Research use only" in (folder / "README.md").read_text()


def test_prediction_needs_no_installed_encoder(monkeypatch):
    """The encoder's weights are in the network's own file."""
    monkeypatch.setattr("prismseg.nets.encoders.pretrained.find_spec", lambda name: None)
    predictor = Predictor.from_pretrained("thermal-feet")
    assert predictor(np.zeros((60, 80), np.uint8)).mask.shape == (60, 80)


def test_a_folder_of_the_same_name_does_not_take_its_place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "thermal-feet").mkdir()
    assert find_model("thermal-feet") != tmp_path / "thermal-feet"
    with pytest.raises(ModelError, match="thermal-feet"):
        load_model("./thermal-feet")


@pytest.mark.parametrize(("framing", "least"), [("soles", 0.9), ("above", 0.75)])
def test_sessions_that_they_have_never_seen(predictor, framing, least):
    scores = []
    for number in range(10):
        frame = draw_subject(77, number, ["ellipse"], (framing,)).frame_at(10)
        picture = frame.grey if number % 2 else frame.celsius
        scores.append(dice(predictor(picture).mask > 0, frame.mask > 0))
    assert np.mean(scores) >= least, scores


def test_soles_seen_from_above(best):
    """What the small network was never shown: the sole turned to the camera, the leg behind it."""
    soles = replace(NO_INGREDIENTS, sole_facing=1.0, thighs=1.0)
    scores = []
    for number in range(10):
        frame = draw_subject(78, number, framings=("above",), ingredients=soles).frame_at(0)
        scores.append(dice(best(frame.grey).mask > 0, frame.mask > 0))
    assert np.mean(scores) >= 0.8, scores


@pytest.mark.parametrize("size", [(480, 640), (96, 128), (320, 240)])
def test_any_size_and_celsius_or_grey(predictor, size):
    frame = frame_at(9, 4, ["solid"], ["soles"], size=size)
    kelvin = (frame.celsius + 273.15).astype(np.float32)
    warm, kelvins, grey = (predictor(picture) for picture in (frame.celsius, kelvin, frame.grey))
    assert warm.mask.shape == grey.mask.shape == size
    # Offsets are taken out before the network: units decide about numbers, not about where the feet are.
    np.testing.assert_allclose(warm.probabilities, kelvins.probabilities, atol=2e-3)


def test_a_whole_session_with_the_network(best):
    person, session = draw_subject(5, 1, ["ellipse"]), Session()
    for minute in (0, 10, 20):
        frame = person.frame_at(minute)
        thermal = Frame(frame.celsius)
        entry = session.add(thermal, foot_probability(best, thermal), minute=minute)
        assert entry.ok, entry.statement
        for side, true in (("left", frame.left), ("right", frame.right)):
            assert entry.estimates[side]["whole sole"].mean == pytest.approx(true, abs=0.4)


def test_pictures_without_feet_give_no_sole(predictor):
    rng = np.random.default_rng(0)
    for picture in (np.full((240, 320), 25, np.float32), rng.normal(25, 0.05, (240, 320)).astype(np.float32)):
        assert not Soles.from_mask(predictor(picture).mask).ok


def test_a_real_frame(predictor, shared_data):
    folder = shared_data / "feet_examples"
    truth = np.asarray(Image.open(folder / "feetgui_example_mask.png").convert("L")) > 127
    picture = np.asarray(Image.open(folder / "feetgui_example_image.jpg"))
    assert dice(predictor(picture).mask > 0, truth) >= 0.97

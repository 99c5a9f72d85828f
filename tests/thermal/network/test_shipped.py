"""The shipped network does what its page says, on a domain it has never seen and on a real frame."""

import numpy as np
import pytest
from PIL import Image

from prismseg import Predictor
from prismseg.base import ModelError
from prismseg.nets import find_model, load_model
from prismseg.thermal import Frame, Session, Soles
from prismseg.thermal.network.segmenter import foot_probability
from prismseg.thermal.network.settings import trained_domains
from prismseg.thermal.phantom import DOMAINS, draw_subject, frame_at
from prismseg.train.runs.seen import SeenCases


@pytest.fixture(scope="module")
def predictor():
    return Predictor.from_pretrained("thermal-feet")


def dice(one, other):
    return 2 * (one & other).sum() / (one.sum() + other.sum())


def test_it_is_small_safe_and_says_what_it_has_seen():
    folder = find_model("thermal-feet")
    assert sum(path.stat().st_size for path in folder.iterdir()) <= 3_000_000
    assert {path.suffix for path in folder.iterdir()} == {".safetensors", ".json", ".md"}
    facts = load_model("thermal-feet").metadata["training"]
    assert facts["cases"]["train"] == 0 and len(set(DOMAINS) - set(trained_domains(facts))) == 1
    # Simulated frames alone: no picture that anybody has.
    seen = SeenCases.from_metadata(load_model("thermal-feet").metadata)
    assert seen == SeenCases()
    assert "Research use only" in (folder / "README.md").read_text()


def test_a_folder_of_the_same_name_does_not_take_its_place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "thermal-feet").mkdir()
    assert find_model("thermal-feet") != tmp_path / "thermal-feet"
    with pytest.raises(ModelError, match="thermal-feet"):
        load_model("./thermal-feet")


@pytest.mark.parametrize(("framing", "least"), [("soles", 0.9), ("above", 0.75)])
def test_sessions_of_the_domain_that_it_has_never_seen(predictor, framing, least):
    seen = trained_domains(predictor.model.metadata["training"])
    left_out = [name for name in DOMAINS if name not in seen]
    scores = []
    for number in range(12):
        frame = draw_subject(77, number, left_out, (framing,)).frame_at(10)
        scores += [dice(predictor(picture).mask > 0, frame.mask > 0) for picture in (frame.grey, frame.celsius)]
    assert np.mean(scores) >= least, scores


@pytest.mark.parametrize("size", [(480, 640), (96, 128), (320, 240)])
def test_any_size_and_celsius_or_grey(predictor, size):
    frame = frame_at(9, 4, ["solid"], ["soles"], size=size)
    kelvin = (frame.celsius + 273.15).astype(np.float32)
    warm, kelvins, grey = (predictor(picture) for picture in (frame.celsius, kelvin, frame.grey))
    assert warm.mask.shape == grey.mask.shape == size
    # Offsets are taken out before the network: units decide about numbers, not about where the feet are.
    np.testing.assert_allclose(warm.probabilities, kelvins.probabilities, atol=2e-3)


def test_a_whole_session_with_the_network(predictor):
    person, session = draw_subject(5, 1, ["ellipse"]), Session()
    for minute in (0, 10, 20):
        frame = person.frame_at(minute)
        thermal = Frame(frame.celsius)
        entry = session.add(thermal, foot_probability(predictor, thermal), minute=minute)
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

"""Training on crops: exact, of images of any shapes, and predictions of whole images."""

import numpy as np
import pytest
import torch
from PIL import Image

from prismseg.base import ConfigError, DataError
from prismseg.data import open_dataset
from prismseg.inference import Predictor
from prismseg.train import RunFolder, Trainer, make_config
from prismseg.train.batches import cut_chunks

from .conftest import small_config
from .test_loop import assert_equal_runs


def test_a_cut_run_on_crops_is_resumed_exactly(discs, tmp_path, monkeypatch):
    config = small_config(discs, crop=(16, 24), augmentation="strong", optim={"steps": 6})
    Trainer(config, tmp_path / "whole").fit(show_progress=False)
    cut = Trainer(config, tmp_path / "cut")
    original = cut.step

    def crash(step):
        if step == 3:
            raise RuntimeError("power cut")
        return original(step)

    monkeypatch.setattr(cut, "step", crash)
    with pytest.raises(RuntimeError, match="power cut"):
        cut.fit(show_progress=False)
    Trainer(config, tmp_path / "cut", resume=True).fit(show_progress=False)
    assert_equal_runs(tmp_path / "whole", tmp_path / "cut")


@pytest.fixture
def mixed(tmp_path):
    """Images of three shapes, of which no two fit one batch."""
    rng = np.random.default_rng(0)
    for number, size in enumerate([(40, 40), (30, 60), (64, 32), (40, 40), (30, 60), (64, 32)]):
        mask = np.zeros(size, np.uint8)
        mask[8:20, 8:20] = 1
        image = (60 + 120 * mask + rng.normal(0, 9, size)).clip(0, 255).astype(np.uint8)
        Image.fromarray(image).save(tmp_path / f"p{number}_0.png")
        Image.fromarray(mask).save(tmp_path / f"p{number}_0_mask.png")
    return tmp_path


def test_images_of_several_shapes_are_learnt_from_and_validated_on(mixed, tmp_path):
    """A batch of crops holds images that keep their shape; whole ones are refused."""
    values = {"fit": "area", "size": (48, 48), "split": {"fractions": (0.5, 0.5, 0.0)}, "optim": {"steps": 4}}
    with pytest.raises(DataError, match=r"on crops \(--crop\)"):
        Trainer(small_config(mixed, **values), tmp_path / "whole")
    trainer = Trainer(small_config(mixed, **values, crop=(32, 32), crop_foreground=0.75), tmp_path / "run")
    shapes = []
    original = trainer.network.forward
    trainer.network.forward = lambda x: shapes.append(tuple(x.shape[-2:])) or original(x)
    trainer.fit(show_progress=False)
    assert shapes == [(32, 32)] * 4
    predictor = Predictor.from_pretrained(RunFolder(tmp_path / "run").model)
    assert predictor(mixed / "p1_0.png").mask.shape == (30, 60)
    assert predictor.model.metadata["training"]["crop"] == [32, 32]
    assert predictor.model.metadata["training"]["crop_foreground"] == 0.75


def test_images_keep_their_own_pixels_in_training_and_prediction(mixed, tmp_path):
    config = small_config(
        mixed,
        fit="native",
        shrink=2,
        crop=(16, 16),
        size=(16, 16),
        split={"fractions": (0.5, 0.5, 0.0)},
        optim={"steps": 2},
    )
    trainer = Trainer(config, tmp_path / "run")
    seen = []
    original = trainer.network.forward
    trainer.network.forward = lambda x: seen.append(tuple(x.shape[-2:])) or original(x)
    trainer.fit(show_progress=False)
    assert seen == [(16, 16)] * 2
    predictor = Predictor.from_pretrained(RunFolder(tmp_path / "run").model)
    assert predictor.preprocess.fit == "native" and predictor.preprocess.shrink == 2
    assert predictor.preprocess.image_tensor(np.zeros((30, 60), np.uint8)).shape == (1, 15, 30)
    assert predictor(mixed / "p1_0.png").mask.shape == (30, 60)
    with pytest.raises(ConfigError, match="fit native"):
        small_config(mixed, shrink=2)


def test_the_augmentation_gets_whole_images_and_the_network_crops_of_them(discs, tmp_path):
    trainer = Trainer(small_config(discs, crop=(16, 16), augmentation="none"), tmp_path / "run")
    images, masks = trainer.source.batch(trainer.source.numbers(0))
    assert [image.shape for image in images] == [(1, 32, 32)] * 4 and len(masks) == 4
    torch.manual_seed(0)
    crops, labels = trainer.augment(images, masks)
    assert crops.shape == (4, 1, 16, 16) and labels.shape == (4, 16, 16)
    for crop, image in zip(crops, images, strict=True):
        windows = image.unfold(1, 16, 1).unfold(2, 16, 1)  # each place where it might have been cut
        assert (windows == crop[:, None, None]).all(-1).all(-1).any()


def test_validation_takes_no_more_memory_than_training():
    assert cut_chunks(range(5), [(8, 8)] * 5, 2) == [[0, 1], [2, 3], [4]]
    assert cut_chunks(range(5), [(8, 8)] * 5, 4, crop=(8, 4)) == [[0, 1], [2, 3], [4]]
    assert cut_chunks(range(2), [(99, 99)] * 2, 4, crop=(8, 4)) == [[0], [1]]  # one image at least
    assert cut_chunks(range(3), [(4, 4)] * 3, 2, crop=(8, 8)) == [[0, 1], [2]]  # never more than a batch
    assert cut_chunks([], [], 2) == []


def test_what_the_network_says_of_its_mirrors(discs, tmp_path):
    facts = {}
    for name in ("none", "thesis", "unoriented"):
        settings = {"augmentation": name, "test_mirror": name != "none"}
        facts[name] = Trainer(small_config(discs, **settings), tmp_path / name).network.metadata
    keys = ("mirror", "mirror_vertical", "test_mirror")
    assert [tuple(each.get(key) for key in keys) for each in facts.values()] == [
        (False, None, None), (True, None, True), (True, True, True),
    ]  # fmt: skip
    with pytest.raises(ConfigError, match="'none' mirrors none"):
        small_config(discs, augmentation="none", test_mirror=True)


def test_settings_without_crops_are_written_as_they_were():
    config = make_config({"data": {"path": "x"}})
    assert not {"crop", "crop_foreground", "test_mirror"} & set(config.model_dump())
    cropped = make_config({"data": {"path": "x"}, "crop": [32, 48]})
    assert cropped.model_dump()["crop"] == (32, 48) and make_config(cropped.model_dump()) == cropped
    with pytest.raises(ConfigError, match="crop"):
        make_config({"data": {"path": "x"}, "crop": (0, 3)})


def test_the_batch_of_a_step_is_read_from_the_data_as_before(discs, tmp_path):
    config = small_config(discs)
    dataset = open_dataset(discs)
    trainer = Trainer(config, tmp_path / "run", dataset=dataset)
    images, masks = trainer.source.batch(trainer.source.numbers(2))
    assert images.shape == (4, 1, 32, 32) and masks.shape == (4, 32, 32)

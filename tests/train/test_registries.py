"""What an extension registers can be chosen by name: in settings, on the command line, in a run."""

import pytest
import torch

from prismseg.base import ConfigError
from prismseg.cli.main import app
from prismseg.data.preparation.settings import AUGMENTATIONS, AugmentationConfig
from prismseg.inference import Predictor
from prismseg.inference.postprocess import POSTPROCESSORS
from prismseg.train import Trainer
from prismseg.train.configure import setting_names
from prismseg.train.registries import LOSSES, OPTIMIZERS, SCHEDULES
from tests.train.conftest import small_config


def test_a_run_with_everything_of_an_extension(discs, tmp_path):
    rates, flips = [], AugmentationConfig(flip=1.0)

    def squared_error(logits, target):
        return ((torch.sigmoid(logits[:, 0]) - (target == 1).float()) ** 2).mean()

    def linear(t, peak):
        rates.append(peak * (1 - t))
        return rates[-1]

    def plain(groups, config):
        return torch.optim.SGD(groups, lr=config.lr)

    with (
        LOSSES.temporarily("squared", squared_error),
        SCHEDULES.temporarily("linear", linear),
        OPTIMIZERS.temporarily("plain", plain),
        AUGMENTATIONS.temporarily("mirror", flips),
        POSTPROCESSORS.temporarily("inverse", lambda mask: 1 - mask),
    ):
        assert "squared" in setting_names("optim.loss") and "mirror" in setting_names("augmentation")
        optim = {
            "loss": "squared",
            "schedule": "linear",
            "optimizer": "plain",
            "steps": 4,
            "lr": 0.5,
            "clip": None,
        }
        config = small_config(discs, optim=optim, augmentation="mirror", postprocess="inverse")
        trainer = Trainer(config, tmp_path / "run")
        assert trainer.augment.config is flips and type(trainer.optimizer) is torch.optim.SGD
        trainer.fit(show_progress=False)
        assert rates[::2] == [0.5, 0.375, 0.25, 0.125]  # set for both groups of parameters
        predictor = Predictor.from_pretrained(tmp_path / "run" / "model")
        prediction = predictor(trainer.dataset[0].image)
        assert (prediction.mask == 1 - prediction.probabilities.argmax(0)).all()
    with pytest.raises(ConfigError, match=r"optim\.loss: Input should be 'auto', 'dice'"):
        small_config(discs, optim={"loss": "squared"})


def test_help_lists_what_is_registered():
    from typer.testing import CliRunner

    with LOSSES.temporarily("squared", lambda logits, target: logits.mean()):
        text = " ".join(CliRunner().invoke(app, ["train", "--help"], env={"COLUMNS": "200"}).output.split())
    assert "cldice, squared; auto is dice_ce" in text

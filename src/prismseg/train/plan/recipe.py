"""The rules of a plan: from a fingerprint, a machine and what is settled already to settings, each with its reason.

Every rule is a pure function of a `Situation`; the numbers it compares with stand in `prismseg.train.plan.limits`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from prismseg.data import AUGMENTATIONS
from prismseg.nets import ARCHITECTURES, ENCODERS
from prismseg.train.config import ModelConfig, OptimConfig
from prismseg.train.plan import limits
from prismseg.train.plan.fingerprint import Fingerprint
from prismseg.train.plan.resources import Resources
from prismseg.train.plan.situation import Decision, Situation

Rule = Callable[[Situation], Iterable[Decision]]


def decide(data: Fingerprint, resources: Resources, settled: Mapping[str, Any]) -> list[Decision]:
    """Apply every rule in turn, each to what is settled by then; what somebody has settled stays as it is.

    Parameters
    ----------
    data : Fingerprint
        Of the data set.
    resources : Resources
        Of the machine.
    settled : mapping
        Settings that were chosen, by name, such as ``{"optim.lr": 0.001}``.
    """
    situation = Situation(data, resources, dict(settled))
    decisions = []
    for rule in RULES:
        made = [each for each in rule(situation) if not situation.has(each.setting)]
        decisions += made
        situation = replace(
            situation, settled={**situation.settled, **{each.setting: each.value for each in made}}
        )
    return decisions


def choose_encoder(situation: Situation) -> Iterable[Decision]:
    """Choose a pretrained encoder where its weights are installed and nothing about the network says otherwise."""
    if situation.has("model.encoder", "model.weights") or situation.get("model.width", 1.0) != 1.0:
        return
    arch = situation.get("model.arch", ModelConfig().arch)
    if getattr(ARCHITECTURES[arch], "own_encoder", None) is None:
        return
    if not situation.resources.weights:
        reason = (
            f"the {limits.WEIGHTS} weights of {limits.ENCODER}, which learn more from few images, are not installed; get "
            f"them with: {situation.resources.install}"
        )
        yield Decision("model.encoder", None, reason)
        return
    yield Decision(
        "model.encoder", limits.ENCODER, "its pretrained features learn more from few images than random ones"
    )
    yield Decision("model.weights", limits.WEIGHTS, "they are installed")


def choose_size(situation: Situation) -> Iterable[Decision]:
    """Choose how large images are, whether they keep their shape, and whether crops of them are learnt from."""
    if situation.get("fit") == "native":
        yield from _native_size(situation)
        return
    if situation.has("size"):
        return
    data, device = situation.data, situation.device
    height, width = data.heights[1], data.widths[1]
    alike = data.aspects[1] <= limits.SAME_ASPECT * data.aspects[0]
    fit = situation.get("fit") or ("stretch" if alike else "area")
    yield Decision("fit", fit, _why_fit(situation, alike=alike))

    smallest = limits.SMALLEST_SIDE / min(height, width)
    affordable = max(math.sqrt(limits.IMAGE_PIXELS[device] / (height * width)), smallest)
    finest = data.finest
    side = 0.0 if finest is None or not finest.fineness else limits.THIN_PIXELS / finest.fineness
    needed = side / math.sqrt(height * width)
    largest = max(math.sqrt(limits.WHOLE_PIXELS[device] / (height * width)), affordable)
    # No image but the smallest is enlarged beyond its own pixels.
    full = max(math.sqrt(data.heights[2] * data.widths[2] / (height * width)), smallest)
    in_crops = situation.get("crop") is not None or (
        not situation.has("crop") and (min(needed, full, largest) > affordable or (fit == "area" and not alike))
    )
    scale = min(max(needed, affordable), full, largest) if in_crops else min(affordable, full)
    size = _round_sides(height * scale, width * scale)
    yield Decision("size", size, _why_size(situation, size))
    if in_crops:
        crop = _crop_sides(size, limits.IMAGE_PIXELS[device])
        yield Decision("crop", crop, _why_crop(situation, needed > affordable))
        yield Decision("crop_foreground", limits.CROP_FOREGROUND, _why_foreground())


def _native_size(situation: Situation) -> Iterable[Decision]:
    """Choose the crops of images that keep their pixels, and call that the size of the network's input."""
    shrink, data = situation.get("shrink", 1), situation.data
    if "crop" not in situation.settled:
        whole = (data.heights[1] // shrink, data.widths[1] // shrink)
        crop = _crop_sides(whole, limits.IMAGE_PIXELS[situation.device])
        yield Decision("crop", crop, "images keep their pixels, and a batch holds parts of them")
    else:
        crop = (
            situation.get("crop") or situation.get("size") or (data.heights[1] // shrink, data.widths[1] // shrink)
        )
    if situation.get("crop", crop) is not None:
        yield Decision("crop_foreground", limits.CROP_FOREGROUND, _why_foreground())
    yield Decision("size", crop, "what a step learns from; predictions are made at the images' own size")


def choose_decoder(situation: Situation) -> Iterable[Decision]:
    """Choose a decoder that leads to the image's grid, where the encoder begins at half of it and that pays."""
    arch = situation.get("model.arch", ModelConfig().arch)
    if not getattr(ARCHITECTURES[arch], "has_decoder", False):
        return
    if not hasattr(ENCODERS.get(situation.get("model.encoder") or ""), "published"):
        return
    if situation.device != "cpu":
        reason = (
            f"the encoder begins at half the image's grid, and a {_named(situation)} affords to lead back to it"
        )
        yield Decision("model.decoder", limits.DECODER, reason)
        return
    finest, size = situation.data.finest, situation.get("size")
    if finest is None or not finest.fineness or size is None:
        return
    pixels = finest.fineness * math.sqrt(math.prod(size))
    if pixels >= limits.FINE_PIXELS:
        return
    steps = situation.steps_within(situation.seconds, limits.FEWEST_BATCH, limits.DECODER)
    if steps < limits.HURRIED_STEPS[situation.device]:
        reason = (
            f"parts of {finest.name} are thin, but a decoder that leads back to the image's grid would learn in about "
            f"{steps:.0f} steps in the time that there is"
        )
        yield Decision("model.decoder", None, reason)
    else:
        reason = (
            f"the encoder begins at half the image's grid, where parts of {finest.name} that are {pixels:.1f} pixels "
            "thick are lost"
        )
        yield Decision("model.decoder", limits.DECODER, reason)


def choose_skip(situation: Situation) -> Iterable[Decision]:
    """Choose the layer on the skips."""
    if situation.hurried:
        yield Decision(
            "model.skip", limits.HURRIED_SKIP, "in few steps a layer on the skips learns too little to pay"
        )
        return
    reason = "the usual layer on skips, not shown to be better or worse than none and conv"
    yield Decision("model.skip", limits.SKIP, reason)


def choose_loss(situation: Situation) -> Iterable[Decision]:
    """Keep the usual loss where classes are small or thin, and say on what evidence; elsewhere say nothing."""
    small = min(situation.data.classes, key=lambda each: each.share, default=None)
    finest, size = situation.data.finest, situation.get("size")
    if small is not None and 0 < small.share < limits.SMALL_SHARE:
        reason = (
            f"the default stays: {small.name} is small ({small.share:.1%} of the pixels), and no loss and no sampling "
            "was shown to be better for small classes (study imbalance)"
        )
        yield Decision("optim.loss", limits.LOSS, reason)
    elif (
        finest is not None
        and finest.fineness
        and size
        and finest.fineness * math.sqrt(math.prod(size)) < limits.FINE_PIXELS
    ):
        reason = (
            f"the default stays: {finest.name} is thin, and neither cldice nor boundary was shown to be better for "
            "thin parts (study thin)"
        )
        yield Decision("optim.loss", limits.LOSS, reason)


def choose_batch(situation: Situation) -> Iterable[Decision]:
    """Choose the images of a step by what they cost."""
    height, width = situation.get("crop") or situation.get("size") or (224, 224)
    affordable = int(limits.STEP_PIXELS[situation.device] / (height * width))
    count = min(limits.BATCH_SIZE, max(limits.FEWEST_BATCH, affordable))
    steps = situation.steps_within(situation.seconds, count, situation.get("model.decoder"))
    few_steps = steps < limits.HURRIED_STEPS[situation.device]
    if few_steps:
        count = limits.HURRIED_BATCH if situation.hurried else limits.FEWEST_BATCH
    parts = situation.get("optim.accumulate", 1)
    count = -(-count // parts) * parts
    what = f"images of {height} x {width}"
    if few_steps:
        yield Decision(
            "optim.batch_size", count, f"with more {what} the time that there is has room for few steps"
        )
    elif count < limits.BATCH_SIZE:
        yield Decision(
            "optim.batch_size", count, f"more {what} would make a step too long on a {_named(situation)}"
        )
    else:
        yield Decision("optim.batch_size", count, f"{what} are small enough for a {_named(situation)}")


def choose_augmentation(situation: Situation) -> Iterable[Decision]:
    """Choose how much images are changed, by how many there are."""
    count = situation.training_images
    if count > limits.FEW_IMAGES:
        yield Decision(
            "augmentation", limits.AUGMENTATION["many"], f"{count} training images vary enough by themselves"
        )
    else:
        yield Decision("augmentation", limits.AUGMENTATION["few"], f"there are few training images ({count})")


def choose_mirror(situation: Situation) -> Iterable[Decision]:
    """Average predictions over the mirrors that training saw."""
    augmentation = AUGMENTATIONS[situation.get("augmentation", "default")]
    if augmentation.flip or augmentation.flip_vertical:
        reason = "training sees mirror images too, and the average over them errs less"
        yield Decision("test_mirror", True, reason)


def choose_length(situation: Situation) -> Iterable[Decision]:
    """Choose the number of steps, and how often the network is measured on the validation part."""
    base, most = limits.STEPS[situation.device], limits.MOST_STEPS[situation.device]
    batch = situation.get("optim.batch_size", OptimConfig().batch_size)
    whole = math.ceil(limits.EPOCHS * situation.training_images / batch)
    steps = min(max(base, whole), most)
    evaluations, evaluation = limits.EVALUATIONS, situation.resources.pace.evaluation
    if evaluation:
        evaluations = int(min(max(limits.EVALUATION_TIME * situation.seconds / evaluation, 1), evaluations))
    left = situation.seconds - evaluations * evaluation
    in_time = situation.steps_within(left, batch, situation.get("model.decoder"))
    if in_time < steps:
        steps = max(1, int(in_time))
    epochs = steps * batch / situation.training_images
    yield Decision("optim.steps", steps, f"each training image is seen about {epochs:.0f} times")
    steps = situation.get("optim.steps", steps)
    every = max(1, -(-steps // evaluations))
    yield Decision(
        "evaluate_every", every, f"the network is measured {evaluations} time{'s' * (evaluations != 1)} on the way"
    )


def choose_rate(situation: Situation) -> Iterable[Decision]:
    """Choose the learning rate, unless the optimiser is not the one that it was found for."""
    if situation.get("optim.optimizer", OptimConfig().optimizer) != OptimConfig().optimizer:
        return
    kind = "pretrained" if situation.pretrained else "random"
    reason = {
        "pretrained": "it was found best for pretrained encoders",
        "random": "it was found best for random weights",
    }
    yield Decision("optim.lr", limits.LEARNING_RATE[kind], reason[kind])
    if situation.pretrained and limits.ENCODER_LR_FACTOR != 1:
        reason_factor = "the pretrained encoder changes more slowly than the rest"
        yield Decision("optim.encoder_lr_factor", limits.ENCODER_LR_FACTOR, reason_factor)


def choose_compilation(situation: Situation) -> Iterable[Decision]:
    """Choose whether a network with a pretrained encoder, which is deep, is compiled."""
    choice = limits.COMPILE[situation.device]
    if situation.pretrained and choice != "auto":
        yield Decision(
            "compile", choice, f"compiling so deep a network takes more than a minute on a {_named(situation)}"
        )


RULES: tuple[Rule, ...] = (
    choose_encoder,
    choose_size,
    choose_decoder,
    choose_skip,
    choose_loss,
    choose_batch,
    choose_augmentation,
    choose_mirror,
    choose_length,
    choose_rate,
    choose_compilation,
)


def _why_foreground() -> str:
    return (
        f"{limits.CROP_FOREGROUND:.0%} of the crops are centred on a class, which crops anywhere would often miss"
    )


def _why_fit(situation: Situation, *, alike: bool) -> str:
    low, high = situation.data.aspects
    if alike:
        return f"all shapes are nearly alike (width over height {low:.2f} to {high:.2f})"
    return f"shapes differ (width over height {low:.2f} to {high:.2f}), and each image keeps its own"


def _why_size(situation: Situation, size: tuple[int, int]) -> str:
    data, finest = situation.data, situation.data.finest
    native = f"images have about {data.heights[1]} x {data.widths[1]} pixels"
    if finest is None or finest.fineness is None:
        return f"{native}, and a step on a {_named(situation)} affords so many"
    kept = finest.fineness * math.sqrt(size[0] * size[1])
    return f"{native}; thin parts of {finest.name} are {kept:.1f} pixels thick at this size"


def _why_crop(situation: Situation, fine: bool) -> str:
    if fine:
        return f"whole images that keep thin parts would make a step too long on a {_named(situation)}"
    return "a batch holds parts of one shape of images that differ in theirs"


def _named(situation: Situation) -> str:
    return {"cpu": "CPU", "cuda": "GPU"}[situation.device]


def _round_sides(height: float, width: float) -> tuple[int, int]:
    """Multiples of `limits.SIDE_STEP`, at least one."""
    step = limits.SIDE_STEP
    return max(round(height / step), 1) * step, max(round(width / step), 1) * step


def _crop_sides(size: tuple[int, int], pixels: int) -> tuple[int, int]:
    """Sides of a square of about so many pixels, cut to those of the image, with what is left given to the other side."""
    short = min(math.sqrt(pixels), *size)
    long = min(pixels / short, max(size))
    height, width = (short, long) if size[0] <= size[1] else (long, short)
    return _round_sides(height, width)

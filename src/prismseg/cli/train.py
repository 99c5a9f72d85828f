"""`prismseg train`: from a folder of images and masks to a trained network."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from prismseg.cli.options import (
    Fit,
    Fold,
    Folds,
    Fraction,
    Fractions,
    Intensity,
    Limit,
    PredefinedSplit,
    Quiet,
    SplitSeed,
    Within,
    duration,
    list_settings,
    names,
    refuse_idle,
    with_data_options,
)

NETWORK, TRAINING, MACHINE = "Network", "Training", "Machine"


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command(
        cls=list_settings(
            layout="data.layout",
            intensity="intensity",
            fit="fit",
            model="model.arch",
            skip="model.skip",
            multiplier="model.multiplier",
            preset="model.preset",
            norm="model.norm",
            encoder="model.encoder",
            decoder="model.decoder",
            bottleneck="model.bottleneck",
            encoder_norm="optim.encoder_norm",
            loss="optim.loss",
            optimizer="optim.optimizer",
            schedule="optim.schedule",
            sampling="optim.sampling",
            augmentation="augmentation",
            postprocess="postprocess",
            precision="precision",
            compile_="compile",
            tracking="tracking",
        ),
        epilog=(
            "Examples:\n\n"
            "prismseg train nerves/   (the data decide all settings; prismseg plan nerves/ shows them)\n\n"
            "prismseg train nerves/ --skip crffg --multiplier 3 --out runs/nerves\n\n"
            "prismseg train slides/ --fit native --crop 256   (images at their own pixels, learnt from crops)\n\n"
            "prismseg train nerves/ --within 10m   (as many steps as ten minutes of this machine allow)\n\n"
            "prismseg train nerves/ --group block:12 --folds 5 --out runs/nerves-cv\n\n"
            "prismseg train --resume --out runs/nerves   (after a power cut)\n\n"
            "prismseg train --resume --out runs/nerves --steps 2000   (lengthen a finished run)\n\n"
            "prismseg train my-feet/ --from thermal-feet-small --out runs/my-camera   (5 to 20 labelled frames)\n\n"
            "prismseg train nerves/ --from runs/both --model unet --out runs/corrected   (correct an ensemble)\n\n"
            "accelerate launch -m prismseg train nerves/ --out runs/nerves   (several GPUs)"
        ),
    )(train)


@with_data_options
def train(
    context: typer.Context,
    data: Annotated[Path | None, typer.Argument(help="Folder (or CSV) of images and masks.")] = None,
    out: Annotated[Path, typer.Option(help="Folder of the run.")] = Path("runs/latest"),
    config: Annotated[
        Path | None, typer.Option(help="Start from the settings in this YAML, such as a run's config.yaml.")
    ] = None,
    from_: Annotated[
        str | None,
        typer.Option(
            "--from",
            help=(
                "Start from this trained network: a run, a folder, or a shipped one (thermal-feet-small); of a "
                "cross-validation fold by fold. An ensemble, or a network that was fitted (instant), stays as it is, and "
                "--model learns to correct it."
            ),
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the run in --out; more --steps lengthen a finished one.")
    ] = False,
    force: Annotated[
        bool | None,
        typer.Option(
            "--force/--no-force", help="Train also on data in which check finds errors.", show_default=False
        ),
    ] = None,
    data_options: dict[str, Any] | None = None,
    size: Annotated[
        str | None, typer.Option(help="Network input, 224 or 240x320 (height x width).", rich_help_panel="Data")
    ] = None,
    crop: Annotated[
        str | None,
        typer.Option(
            help="Train on random crops of this size (of images prepared to --size), or none.",
            rich_help_panel="Data",
        ),
    ] = None,
    crop_foreground: Annotated[
        float | None,
        typer.Option(help="Share of the crops that are centred on the foreground.", rich_help_panel="Data"),
    ] = None,
    soft_labels: Annotated[
        bool | None,
        typer.Option(
            "--soft-labels/--no-soft-labels",
            help="Of images that several annotators drew, learn from the mask of one at random in each step: soft "
            "labels in the mean.",
            show_default=False,
            rich_help_panel="Data",
        ),
    ] = None,
    intensity: Intensity = None,
    fit: Fit = None,
    shrink: Annotated[
        int | None,
        typer.Option(
            help="With --fit native: average squares of this many pixels a side into one.", rich_help_panel="Data"
        ),
    ] = None,
    fractions: Fractions = None,
    folds: Folds = None,
    fold: Fold = None,
    predefined_split: PredefinedSplit = None,
    limit: Limit = None,
    fraction: Fraction = None,
    split_seed: SplitSeed = None,
    model: Annotated[str | None, typer.Option(help="{names}.", rich_help_panel=NETWORK)] = None,
    skip: Annotated[str | None, typer.Option(help="{names}.", rich_help_panel=NETWORK)] = None,
    multiplier: Annotated[int | None, typer.Option(help="Skip width M: {names}.", rich_help_panel=NETWORK)] = None,
    preset: Annotated[str | None, typer.Option(help="{names}.", rich_help_panel=NETWORK)] = None,
    width: Annotated[float | None, typer.Option(help="Factor on all widths.", rich_help_panel=NETWORK)] = None,
    norm: Annotated[str | None, typer.Option(help="{names}.", rich_help_panel=NETWORK)] = None,
    encoder: Annotated[
        str | None,
        typer.Option(
            help="{names}, or timm:NAME where timm is installed; by default (none) the architecture's own.",
            rich_help_panel=NETWORK,
        ),
    ] = None,
    decoder: Annotated[
        str | None,
        typer.Option(help="{names}; by default (none) of the encoder's widths.", rich_help_panel=NETWORK),
    ] = None,
    bottleneck: Annotated[
        str | None,
        typer.Option(help="Layer on the coarsest maps: {names}; by default none.", rich_help_panel=NETWORK),
    ] = None,
    encoder_weights: Annotated[
        str | None,
        typer.Option(
            help=(
                "imagenet (needs the extra encoders; pretrained for timm's), a file, or a trained network with this "
                "encoder; none: random."
            ),
            rich_help_panel=NETWORK,
        ),
    ] = None,
    loss: Annotated[
        str | None,
        typer.Option(
            help="{names}; auto is dice_ce, in the thesis's preset dice.",
            rich_help_panel=TRAINING,
        ),
    ] = None,
    class_weights: Annotated[
        str | None,
        typer.Option(
            help="Weights of the classes in the loss, background first (1,5); balanced: by one over their share of the "
            "training pixels; none.",
            rich_help_panel=TRAINING,
        ),
    ] = None,
    sampling: Annotated[
        str | None,
        typer.Option(
            help="Of the training images: {names}; balanced draws images with rare classes more often.",
            rich_help_panel=TRAINING,
        ),
    ] = None,
    optimizer: Annotated[str | None, typer.Option(help="{names}.", rich_help_panel=TRAINING)] = None,
    lr: Annotated[float | None, typer.Option(help="Peak learning rate.", rich_help_panel=TRAINING)] = None,
    encoder_lr_factor: Annotated[
        float | None,
        typer.Option(help="Learning rate of the encoder, in units of --lr.", rich_help_panel=TRAINING),
    ] = None,
    freeze_encoder_steps: Annotated[
        int | None,
        typer.Option(help="Leave the encoder as it is for this many steps.", rich_help_panel=TRAINING),
    ] = None,
    encoder_norm: Annotated[
        str | None,
        typer.Option(
            help="Batch statistics of the encoder: {names}; auto keeps those of a pretrained one in batches below 8.",
            rich_help_panel=TRAINING,
        ),
    ] = None,
    schedule: Annotated[str | None, typer.Option(help="{names}.", rich_help_panel=TRAINING)] = None,
    weight_decay: Annotated[float | None, typer.Option(help="Weight decay.", rich_help_panel=TRAINING)] = None,
    momentum: Annotated[float | None, typer.Option(help="Momentum of sgd.", rich_help_panel=TRAINING)] = None,
    clip: Annotated[
        str | None, typer.Option(help="Largest norm of the gradients, or none.", rich_help_panel=TRAINING)
    ] = None,
    ema: Annotated[
        str | None, typer.Option(help="Decay of the averaged weights, or none.", rich_help_panel=TRAINING)
    ] = None,
    deep_supervision: Annotated[
        bool | None,
        typer.Option(
            "--deep-supervision/--no-deep-supervision",
            help="Train the coarser levels of the decoder to segment too.",
            show_default=False,
            rich_help_panel=TRAINING,
        ),
    ] = None,
    relevance: Annotated[
        float | None,
        typer.Option(
            help="Weight of the share of relevance that lies away from the objects, against shortcuts; 0: none.",
            rich_help_panel=TRAINING,
        ),
    ] = None,
    relevance_margin: Annotated[
        int | None,
        typer.Option(help="Pixels around objects in which relevance costs nothing.", rich_help_panel=TRAINING),
    ] = None,
    relevance_every: Annotated[
        int | None,
        typer.Option(help="One step of that many looks at relevance, with more weight.", rich_help_panel=TRAINING),
    ] = None,
    steps: Annotated[int | None, typer.Option(help="Optimiser steps.", rich_help_panel=TRAINING)] = None,
    within: Within = None,
    batch_size: Annotated[
        int | None, typer.Option(help="Images a step, over all processes.", rich_help_panel=TRAINING)
    ] = None,
    accumulate: Annotated[
        int | None, typer.Option(help="Cut each batch into this many parts.", rich_help_panel=TRAINING)
    ] = None,
    augmentation: Annotated[str | None, typer.Option(help="{names}.", rich_help_panel=TRAINING)] = None,
    test_mirror: Annotated[
        bool | None,
        typer.Option(
            "--test-mirror/--no-test-mirror",
            help="Predict with the average over the mirrors that the augmentation has.",
            show_default=False,
            rich_help_panel=TRAINING,
        ),
    ] = None,
    postprocess: Annotated[
        str | None, typer.Option(help="Of predicted masks: {names}.", rich_help_panel=TRAINING)
    ] = None,
    patience: Annotated[
        str | None,
        typer.Option(
            help="Stop after this many evaluations without a better one, or none.", rich_help_panel=TRAINING
        ),
    ] = None,
    evaluate_every: Annotated[
        int | None, typer.Option(help="Steps between evaluations.", rich_help_panel=TRAINING)
    ] = None,
    checkpoint_every: Annotated[
        int | None, typer.Option(help="Steps between checkpoints.", rich_help_panel=TRAINING)
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Seed of everything but the split.", rich_help_panel=TRAINING)
    ] = None,
    device: Annotated[
        str | None, typer.Option(help="auto, cpu, cuda, cuda:1, mps …", rich_help_panel=MACHINE)
    ] = None,
    precision: Annotated[str | None, typer.Option(help="{names}.", rich_help_panel=MACHINE)] = None,
    compile_: Annotated[str | None, typer.Option("--compile", help="{names}.", rich_help_panel=MACHINE)] = None,
    tracking: Annotated[
        str | None, typer.Option(help="{names}; several with commas.", rich_help_panel=MACHINE)
    ] = None,
    cache_mib: Annotated[
        int | None, typer.Option(help="MiB of prepared images kept in memory.", rich_help_panel=MACHINE)
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Train a segmentation network on a folder of images and masks.

    What is not given follows from the data: prismseg plan DATA shows what, and why. What is given here wins over
    --config, and that over the plan. A file that states the whole recipe, such as a run's config.yaml, the thesis' preset
    and --from leave nothing to the plan. none takes back a setting that may be absent (patience, clip, ema, limit,
    fraction, folds, fold, classes, colours, channels, mask-suffix, annotators, class-weights, crop, encoder, decoder,
    bottleneck, encoder-weights).

    The run's folder gets the settings, the split, the learning curve, the last checkpoint and the best network.
    Then: prismseg evaluate RUN.
    """
    from prismseg.base import read_json
    from prismseg.train import train as run
    from prismseg.train.finetune import finetune_settings
    from prismseg.train.plan.report import describe_plan, describe_time
    from prismseg.train.plan.run import plan_run
    from prismseg.train.runs.find import run_config

    chosen: dict[str, Any] = {
        "data": {"path": None if data is None else str(data.resolve()), **(data_options or {})},
        "split": {
            "fractions": names(fractions), "folds": folds, "fold": fold, "predefined": predefined_split,
            "limit": limit, "fraction": fraction, "seed": split_seed,
        },
        "model": {
            "arch": model, "skip": skip, "multiplier": multiplier, "preset": preset, "width": width, "norm": norm,
            "encoder": encoder, "decoder": decoder, "bottleneck": bottleneck, "weights": encoder_weights,
        },
        "optim": {
            "loss": loss, "optimizer": optimizer, "lr": lr, "weight_decay": weight_decay, "momentum": momentum,
            "schedule": schedule, "steps": steps, "batch_size": batch_size, "accumulate": accumulate, "clip": clip,
            "ema": ema, "encoder_lr_factor": encoder_lr_factor, "freeze_encoder_steps": freeze_encoder_steps,
            "encoder_norm": encoder_norm, "deep_supervision": deep_supervision,
            "class_weights": class_weights if class_weights in (None, "balanced") else names(class_weights),
            "sampling": sampling,
            "relevance": relevance, "relevance_margin": relevance_margin, "relevance_every": relevance_every,
        },
        "size": size, "intensity": intensity, "fit": fit, "shrink": shrink, "postprocess": postprocess,
        "augmentation": augmentation, "crop": crop, "crop_foreground": crop_foreground, "test_mirror": test_mirror,
        "soft_labels": soft_labels,
        "patience": patience, "evaluate_every": evaluate_every, "checkpoint_every": checkpoint_every, "seed": seed,
        "device": device, "force": force, "precision": precision, "compile": compile_, "cache_mib": cache_mib,
        "tracking": () if tracking == "none" else names(tracking),
    }  # fmt: skip
    if resume and config is None:
        config = run_config(out)
        if config.parent != out:
            # The settings of a cross-validation lie in its folds, each with its own number.
            chosen["split"]["fold"] = fold or "none"
    initial = None if from_ is None else finetune_settings(from_)
    settings, plan = plan_run(chosen, config, initial=initial, seconds=duration(within), show_progress=not quiet)
    optim = settings.optim
    refuse_idle(
        context,
        (optim.relevance == 0, "without --relevance", ("relevance_margin", "relevance_every")),
        (settings.crop is None, "without --crop", ("crop_foreground",)),
        (optim.optimizer in ("adamw", "adam"), f"on {optim.optimizer}; it is that of sgd", ("momentum",)),
        (settings.model.skip == "none", "where the skips have no layer (--skip none)", ("multiplier",)),
        (settings.split.folds is not None, "in a cross-validation (--folds)", ("fractions",)),
    )
    if plan is not None:
        for line in (*describe_plan(plan), describe_time(plan)):
            typer.echo(f"Plan: {line}")
    folders = run(settings, out, resume=resume, tell=typer.echo, show_progress=not quiet)
    for folder in folders:
        typer.echo(f"Network: {folder.model}")
    tested = any(read_json(folder.split)["test"] for folder in folders)
    typer.echo(f"Now measure it: prismseg evaluate {out}{'' if tested else ' OTHER-DATA'}")

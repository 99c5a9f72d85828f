"""The training loop: every line of it, from the batch to the checkpoint."""

from __future__ import annotations

import math
from contextlib import closing, nullcontext
from pathlib import Path
from typing import cast

import numpy as np
import pandas as pd
import torch
from accelerate.utils import broadcast_object_list
from torch import Tensor, nn

from prismseg.base import PrismsegError, atomic_path, keep_freed_memory, progress_bar
from prismseg.data import Augmentation, CropConfig, SegmentationDataset, Split, TensorCache
from prismseg.nets import Refined, SegmentationModel, class_probabilities, load_model
from prismseg.nets.skips.pieces import segment_in_tiles
from prismseg.train.batches import cut_chunks, step_seed
from prismseg.train.checkpoint import Progress, load_checkpoint, save_checkpoint
from prismseg.train.config import TrainConfig
from prismseg.train.finetune import begin_from
from prismseg.train.optimization.averaging import weight_average
from prismseg.train.optimization.class_weights import make_loss
from prismseg.train.optimization.encoder import EncoderPhases
from prismseg.train.optimization.fitting import fit_first_batch
from prismseg.train.optimization.losses import IGNORE, each_class
from prismseg.train.optimization.optimizers import create_optimizer
from prismseg.train.optimization.relevance import RelevancePenalty
from prismseg.train.optimization.schedules import learning_rate
from prismseg.train.optimization.supervision import DeepSupervision, supervised_loss
from prismseg.train.runs.data import find_data, open_configured
from prismseg.train.runs.find import find_initial
from prismseg.train.runs.folder import RunFolder
from prismseg.train.runs.network import describe, make_network, make_preprocess
from prismseg.train.runs.partition import make_partition
from prismseg.train.runs.requirements import check_batches, check_cases
from prismseg.train.runs.seen import SeenCases
from prismseg.train.sampling import open_source
from prismseg.train.setup import (
    choose_device,
    make_accelerator,
    should_compile,
    start_trackers,
    stop_requests,
)
from prismseg.train.sources import Batch


class TrainingInterrupted(PrismsegError):
    """The user or the system asked the run to stop; its state was saved."""

    exit_code = 130


class Trainer:
    """One run: `Trainer(config, folder).fit()` trains it to the end, from the start or from a checkpoint.

    Parameters
    ----------
    config : TrainConfig
        All settings. On the same CPU and with the same number of threads, the same configuration gives the same weights
        bit for bit, whether or not the run was cut and resumed.
    out : path
        Folder of the run (see `RunFolder`). Nothing is written into it before everything is checked.
    resume : bool
        Go on from the folder's last checkpoint, with the split that the run was begun with. A finished run goes on when
        `config` has more steps; the learning rate is from there on that of the longer schedule.
    dataset : SegmentationDataset, optional
        Already opened data; by default what `config.data` names.
    split : Split, optional
        Parts to use instead of those of `config.split`; without validation cases the last weights are kept.

    Attributes
    ----------
    notes : list of str
        What a user has to know about this run before it starts.

    Raises
    ------
    PrismsegError
        For data, settings or folders that cannot be used.
    """

    def __init__(
        self,
        config: TrainConfig,
        out: str | Path,
        *,
        resume: bool = False,
        dataset: SegmentationDataset | None = None,
        split: Split | None = None,
    ) -> None:
        self.config = config
        self.folder = RunFolder(Path(out))
        self.accelerator = make_accelerator(config, self.folder.root)
        self.device = choose_device(config, self.accelerator)
        self.notes: list[str] = []
        if self.device.type == "cpu":
            keep_freed_memory()
        if self.accelerator.is_main_process and not resume:
            self.folder.refuse_existing()
        if dataset is None:
            dataset = open_configured(config, find_data(self.folder, config) if resume else None)
        self.dataset = dataset
        if resume:
            self.folder.refuse_other(config, self.dataset)
        going_on = resume and self.folder.checkpoint.exists()
        source = None if going_on else find_initial(config)
        initial = None if source is None else load_model(source)
        earlier = self.folder.read_earlier() if initial is None else SeenCases.from_metadata(initial.metadata)
        if config.initial is not None and not (earlier is not None and earlier.complete):
            self.notes.append(
                f"{config.initial}, from which training goes on, does not say all that it has seen (an older version "
                "trained it or one that it comes from): where these data hold some of that, the test would flatter."
            )
        self.split = self._choose_split(split, earlier, resume=resume)
        check_cases(config, self.dataset, self.split)

        pretrained = (config.initial is None or config.model.refines) and not going_on
        network: SegmentationModel = make_network(config, self.dataset, pretrained=pretrained)
        processes, synchronized = self.accelerator.num_processes, self.device.type != "cpu"
        self.phases = EncoderPhases(network, config, processes=processes, synchronized=synchronized)
        check_batches(config, network, processes, keeps_statistics=self.phases.keeps_statistics)
        crop = None if config.crop is None else CropConfig(config.crop, config.crop_foreground)
        self.augment = Augmentation(config.augmentation, crop)
        self.cache = TensorCache(self.dataset, make_preprocess(config, self.dataset), max_mib=config.cache_mib)
        self.source = open_source(config, self.cache, self.dataset, self.split, self.notes)
        if pretrained:
            fit_first_batch(network, self.source, self.augment, config.seed)
        if config.model.refines and initial is None:
            initial = load_model(self.folder.base)
        if initial is not None:
            network, notes = begin_from(network, initial, config, self.dataset)
            self.notes += notes
        seen = SeenCases.from_split(self.dataset, self.split)
        if config.initial is not None:
            seen = seen.after(earlier)
        network.metadata = describe(config, self.dataset, self.split, seen)
        network = network.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        if processes > 1 and synchronized:
            network = nn.SyncBatchNorm.convert_sync_batchnorm(network)  # type: ignore[no-untyped-call]
        self.network = network
        self.average = weight_average(network, config.optim.ema) if config.optim.ema is not None else None
        # What is trained: the network, with deep supervision some heads beside it.
        self.trained: nn.Module = network
        heads: list[nn.Parameter] = []
        if config.optim.deep_supervision:
            self.trained = DeepSupervision(network, config.seed).to(self.device)
            heads = [*self.trained.heads.parameters()]
        self.optimizer = create_optimizer(config.optim, network, heads)
        self.loss = make_loss(config, self.dataset, self.split, self.notes)
        self.relevance = RelevancePenalty.of(config)
        self.progress = Progress()
        if going_on:
            self._load()
        if self.accelerator.is_main_process:
            self._write_down(earlier, resume=resume)
        self.accelerator.wait_for_everyone()
        if should_compile(config, self.device):
            self.trained.compile()
        # The network is on its device already, which need not be the one that accelerate would choose.
        self.parallel: nn.Module = self.accelerator.prepare_model(
            self.trained, device_placement=self.config.device == "auto"
        )

    def _choose_split(self, given: Split | None, earlier: SeenCases | None, *, resume: bool) -> Split:
        if resume and self.folder.split.exists():
            return self.folder.read_split(self.dataset)
        if given is not None:
            return given
        partition = make_partition(self.config, self.dataset, earlier)
        self.notes += partition.notes
        return partition.split

    def _load(self) -> None:
        """Take up the state of the last checkpoint."""
        self.progress = load_checkpoint(
            self.folder.checkpoint,
            model=self.trained,
            average=self.average,
            optimizer=self.optimizer,
            config=self.config,
            fingerprint=self.dataset.fingerprint(),
        )
        progress, steps = self.progress, self.config.optim.steps
        if progress.finished and progress.step < steps and not self._out_of_patience():
            progress.finished = False
            self.notes.append(
                f"The finished run goes on from step {progress.step} to {steps}, at the learning rates of the longer "
                "schedule."
            )
        elif progress.finished:
            early = (
                ", since no evaluation was better; a larger --patience goes on" if progress.step < steps else ""
            )
            self.notes.append(
                f"The run is finished (step {progress.step} of {steps}{early}); more --steps lengthen it."
            )

    def _write_down(self, earlier: SeenCases | None, *, resume: bool) -> None:
        with self.folder.locked():
            if not resume:
                self.folder.refuse_existing()
            if not resume or not self.folder.split.exists():
                if isinstance(self.network, Refined):
                    self.network.base.save_pretrained(self.folder.base)
                self.folder.start(self.config, self.dataset, self.split, earlier)
            elif self.folder.read_config() != self.config:
                self.folder.resume(self.config, self.dataset)

    def fit(self, *, show_progress: bool = True) -> Progress:
        """Train until the last step or early stopping; write checkpoints, history and the best model.

        Raises
        ------
        TrainingInterrupted
            After Ctrl-C or SIGTERM; the state was saved, so the run can be resumed.
        """
        steps = self.config.optim.steps
        main = self.accelerator.is_main_process
        shown = show_progress and main
        with (
            self.folder.locked() if main else nullcontext(),
            closing(self.source),
            torch.random.fork_rng(),
            stop_requests() as stop_requested,
            progress_bar("training", steps, start=self.progress.step, visible=shown) as advance,
        ):
            start_trackers(self.accelerator, self.config)
            if self.config.model.refines and not self.progress.step:
                self.evaluate()  # what is corrected is the first to beat
            while not self.progress.finished:
                loss = self.step(self.progress.step)
                self.progress.losses.append(round(loss, 6))
                self.progress.step += 1
                if self.progress.step % self.config.evaluate_every == 0 or self.progress.step == steps:
                    self.evaluate()
                done = self.progress.step == steps or self._out_of_patience()
                self.progress.finished = done
                if done or self.progress.step % self.config.checkpoint_every == 0 or stop_requested():
                    self.save()
                advance(self.progress.step, self._note())
                if stop_requested() and not done:
                    raise TrainingInterrupted(
                        f"Stopped at step {self.progress.step} of {steps}; the state is saved. To go on: "
                        f"prismseg train --resume --out {self.folder.root}"
                    )
        self.accelerator.end_training()
        return self.progress

    def step(self, step: int) -> float:
        """One optimiser step; returns the mean loss of its batch over all processes."""
        optim, rank, world = self.config.optim, self.accelerator.process_index, self.accelerator.num_processes
        for group in self.optimizer.param_groups:
            group["lr"] = group["lr_factor"] * learning_rate(optim.schedule, step, optim.steps, optim.lr)
        parts = np.array_split(self.source.numbers(step)[rank::world], optim.accumulate)
        self.parallel.train()
        self.phases.begin(step)
        total = torch.zeros((), device=self.device)
        for part, chosen in enumerate(parts):
            torch.manual_seed(step_seed(self.config.seed, step, rank, part))
            images, masks = self._augmented(self.source.batch(chosen.tolist()))
            last = part == len(parts) - 1
            with nullcontext() if last else self.accelerator.no_sync(self.parallel):
                with self._mixed_precision():
                    logits = self.parallel(images)
                loss = supervised_loss(self.loss, logits, masks) / len(parts)
                loss = loss + self.relevance.at(step, self.network.forward, images, masks) / len(parts)
                self.accelerator.backward(loss)
            total += loss.detach()
        mean = float(self.accelerator.reduce(total, reduction="mean"))
        if not math.isfinite(mean):
            raise PrismsegError(
                f"The loss became {mean} at step {step}. Look at the data with `prismseg check`, or lower the "
                f"learning rate (now {optim.lr:g}); the last checkpoint is kept."
            )
        self.phases.drop_gradients(step)
        if optim.clip is not None:
            nn.utils.clip_grad_norm_(self.trained.parameters(), optim.clip)
        self.optimizer.step()
        self.optimizer.zero_grad()
        if self.average is not None:
            self.average.update_parameters(self.network)
        return mean

    def evaluate(self) -> None:
        """Score the (averaged) network on the validation part and keep it if it is the best so far."""
        progress = self.progress
        score = None
        if self.split.validation:
            score = broadcast_object_list([self._validation_dice()])[0]
        if score is None or progress.best_score is None or score > progress.best_score:
            progress.best_score, progress.best_step, progress.stale = score, progress.step, 0
            if self.accelerator.is_main_process:
                self._save_model()
        else:
            progress.stale += 1
        recent = progress.losses[-self.config.evaluate_every :]
        row = {
            "step": progress.step,
            "loss": float(np.mean(recent)) if recent else math.nan,
            "lr": self.optimizer.param_groups[0]["lr"],
            "validation_dice": math.nan if score is None else score,
        }
        progress.evaluations.append(row)
        self.accelerator.log({key: value for key, value in row.items() if key != "step"}, step=progress.step)
        if self.accelerator.is_main_process:
            with atomic_path(self.folder.history) as temporary:
                pd.DataFrame(progress.evaluations).to_csv(temporary, index=False)

    def save(self) -> None:
        """Write the checkpoint from which a resumed run continues exactly."""
        if self.accelerator.is_main_process:
            save_checkpoint(
                self.folder.checkpoint,
                model=self.trained,
                average=self.average,
                optimizer=self.optimizer,
                progress=self.progress,
                config=self.config,
                fingerprint=self.dataset.fingerprint(),
            )
        self.accelerator.wait_for_everyone()

    def _augmented(self, batch: tuple[Batch, Batch]) -> tuple[Tensor, Tensor]:
        images, masks = batch
        if isinstance(images, Tensor) and isinstance(masks, Tensor):
            images, masks = self.augment(*self._placed((images, masks)))
        else:
            images, masks = self.augment(*([each.to(self.device) for each in part] for part in batch))
        return images.contiguous(memory_format=torch.channels_last), masks

    def _placed(self, batch: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        images, masks = batch
        return images.to(self.device, memory_format=torch.channels_last), masks.to(self.device)

    def _mixed_precision(self) -> torch.autocast:
        enabled = self.config.precision == "bf16"
        return torch.autocast(self.device.type, torch.bfloat16, enabled=enabled)

    def _validation_dice(self) -> float:
        """Mean hard Dice over validation cases and foreground classes, at the network's input size."""
        network = self._scored_network().eval()
        native = self.config.fit == "native"
        scores = []
        with torch.inference_mode(), self._mixed_precision():
            for chunk in self._validation_chunks():
                images, masks = self._placed(self.cache.batch(chunk))
                logits = segment_in_tiles(network, images) if native else network(images)
                logits, masks = each_class(logits, masks) if self.dataset.multilabel else (logits, masks)
                labels = class_probabilities(logits.float()).argmax(1)
                scores.append(_hard_dice(labels, masks, max(logits.shape[1], 2)))
        return float(torch.cat(scores).mean())

    def _validation_chunks(self) -> list[list[int]]:
        config, cases, preprocess = self.config, self.split.validation, self.cache.preprocess
        shapes = [config.size] * len(cases)
        if preprocess.keeps_shape:
            shapes = [preprocess.size_for(*self.dataset.sizes[case]) for case in cases]
        return cut_chunks(cases, shapes, config.optim.batch_size, config.crop)

    def _save_model(self) -> None:
        network = self._scored_network()
        network.metadata = self.network.metadata | {
            "best": {"step": self.progress.step, "validation_dice": self.progress.best_score}
        }
        if self.progress.lengthened:
            network.metadata["lengthened"] = self.progress.lengthened
        network.save_pretrained(self.folder.model)

    def _scored_network(self) -> SegmentationModel:
        """Return the averaged network, or the trained one where nothing is averaged."""
        if self.average is None:
            return self.network
        return cast(SegmentationModel, self.average.module)

    def _out_of_patience(self) -> bool:
        return self.config.patience is not None and self.progress.stale >= self.config.patience

    def _note(self) -> str:
        note = f"loss {np.mean(self.progress.losses[-20:]):.4f}"
        if self.progress.best_score is not None:
            note += f", best validation Dice {self.progress.best_score:.4f} at step {self.progress.best_step}"
        return note


def _hard_dice(labels: Tensor, masks: Tensor, classes: int) -> Tensor:
    """Dice (B, K - 1) of the foreground classes; 1 where a class is in neither mask."""
    counted = masks != IGNORE
    values = []
    for cls in range(1, classes):
        pred, target = (labels == cls) & counted, masks == cls
        overlap = (pred & target).sum((1, 2))
        total = pred.sum((1, 2)) + target.sum((1, 2))
        values.append(torch.where(total > 0, 2 * overlap / total, 1.0))
    return torch.stack(values, dim=1)

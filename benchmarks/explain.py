"""Speed and memory of atlases as ratios, measured side by side in one run.

    make bench         what needs no other software
    make bench-peers   also against grad-cam, which needs torchvision

(a) Grad-CAM of all 23 layers and both classes against grad-cam's calls, one a layer and class, giving the same
maps; (b) all gradient methods with all measures against Grad-CAM alone; (c) peak memory against a training step of
the same batch, and memory along 200 images; (d) Score-CAM of one layer under a memory cap against grad-cam's; (e) all
layers of one image. U-Net crffg M3, 8 images of 224². Every setting runs in a process of its own; times are medians,
taken in turns.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

GRADIENT = ("gradcam", "gradcam++", "layercam", "hirescam", "xgradcam")
BATCH, SIDE = 8, 224
SCORE_LAYER, SCORE_IMAGES, SCORE_MEMORY = "encoder.2.second", 2, 256
HAS_GRAD_CAM = importlib.util.find_spec("pytorch_grad_cam") is not None


def seconds(functions: dict[str, Callable[[], object]], turns: int, warm: int = 2) -> dict[str, float]:
    """Median time of each function, called in turns so that the machine's drift hits all alike."""
    times: dict[str, list[float]] = {name: [] for name in functions}
    for turn in range(turns + warm):
        for name, function in functions.items():
            start = time.perf_counter()
            function()
            if turn >= warm:
                times[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in times.items()}


def scene(batch: int = BATCH, multiplier: int = 3, size: tuple[int, int] = (SIDE, SIDE)) -> tuple[Any, Any, Any]:
    import torch

    from prismseg.base import keep_freed_memory
    from prismseg.nets import create_model

    keep_freed_memory()
    torch.manual_seed(0)
    model = create_model("unet", "crffg", multiplier=multiplier).to(memory_format=torch.channels_last).eval()
    images = torch.randn(batch, 1, *size)
    masks = torch.nn.functional.interpolate((torch.rand(batch, 1, 14, 14) > 0.7).float(), size=size)[:, 0].long()
    return model, images, masks


class ClassMean:
    """The score that prismseg explains, as grad-cam takes it: one object a case."""

    def __init__(self, mask: Any, cls: int) -> None:
        self.region, self.cls = (mask == cls).float(), cls

    def __call__(self, output: Any) -> Any:
        values = output[0] if self.cls == 1 else -output[0]
        return (values * self.region).sum() / (self.region.sum() + 1e-7)


def measure_methods() -> dict[str, Any]:
    from prismseg.explain import Atlas

    model, images, masks = scene()
    one, five = Atlas(model, methods=["gradcam"], region="truth"), Atlas(model, methods=GRADIENT, region="truth")
    times = seconds(
        {
            "Grad-CAM, maps": lambda: one.maps(images, masks),
            "Grad-CAM, measures": lambda: one.update(images, masks),
            "all five, measures": lambda: five.update(images, masks),
        },
        turns=9,
    )
    return {"times": times, "layers": len(one.layers)}


def measure_grad_cam() -> dict[str, Any]:
    """Ours before and after theirs, and how far the maps differ once scaled to [0, 1]."""
    import numpy as np
    from pytorch_grad_cam import GradCAM

    from prismseg.explain import Atlas

    model, images, masks = scene()
    atlas = Atlas(model, methods=["gradcam"], region="truth")
    ours = seconds({"ours": lambda: atlas.maps(images, masks)}, turns=5)["ours"]
    found = atlas.maps(images, masks)
    worst, start = 0.0, time.perf_counter()
    theirs = {}
    for layer in atlas.layers:
        for cls in (0, 1):
            with GradCAM(model=model, target_layers=[model.get_submodule(layer)]) as cam:
                theirs[layer, cls] = cam(input_tensor=images, targets=[ClassMean(mask, cls) for mask in masks])
    taken = time.perf_counter() - start
    for (layer, cls), maps in theirs.items():
        mine = found["gradcam", layer, cls].numpy()
        low, high = mine.min((1, 2), keepdims=True), mine.max((1, 2), keepdims=True)
        scaled = (mine - low) / np.maximum(high - low, 1e-30)
        worst = max(worst, float(np.abs(scaled - maps)[(high > 0).ravel()].max(initial=0)))
    again = seconds({"ours": lambda: atlas.maps(images, masks)}, turns=5)["ours"]
    return {"ours": (ours + again) / 2, "theirs": taken, "difference": worst}


def measure_score_cam() -> dict[str, Any]:
    from pytorch_grad_cam import ScoreCAM

    from prismseg.explain import Atlas

    model, images, masks = scene(SCORE_IMAGES)
    both = Atlas(model, [SCORE_LAYER], ["scorecam"], memory=SCORE_MEMORY, region="truth")
    single = Atlas(model, [SCORE_LAYER], ["scorecam"], memory=SCORE_MEMORY, classes=[1], region="truth")

    def theirs(classes: tuple[int, ...]) -> None:
        for cls in classes:
            with ScoreCAM(model=model, target_layers=[model.get_submodule(SCORE_LAYER)]) as cam:
                cam(input_tensor=images, targets=[ClassMean(mask, cls) for mask in masks])

    return seconds(
        {
            "ours, both classes": lambda: both.maps(images, masks),
            "theirs, both classes": lambda: theirs((0, 1)),
            "ours, one class": lambda: single.maps(images, masks),
            "theirs, one class": lambda: theirs((1,)),
        },
        turns=3,
        warm=1,
    )


def resident() -> float:
    """MiB that the process holds now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 2**20


def peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure_memory(what: str) -> dict[str, float]:
    """Peak above the idle process, MiB."""
    import torch

    from prismseg.explain import Atlas
    from prismseg.train import create_loss

    model, images, masks = scene()
    with torch.inference_mode():
        model(images[:1])
    idle = resident()
    if what == "training step":
        model.train()
        optimizer, loss = torch.optim.AdamW(model.parameters()), create_loss("dice", 1)
        for _ in range(2):
            loss(model(images), masks).backward()
            optimizer.step()
            optimizer.zero_grad()
    else:
        atlas = Atlas(model, methods=("gradcam",) if what == "Grad-CAM" else GRADIENT, region="truth")
        for _ in range(2):
            atlas.update(images, masks)
    return {"above idle": peak() - idle}


def measure_loop() -> dict[str, Any]:
    from prismseg.explain import Atlas

    model, images, masks = scene()
    atlas = Atlas(model, methods=GRADIENT, region="truth")
    held = {}
    for number in range(BATCH, 200 + 1, BATCH):
        atlas.update(images, masks)
        if number % 40 == 0:
            held[str(number)] = resident()
    return held


def measure_one_image() -> dict[str, float]:
    from prismseg.explain import Atlas

    model, images, masks = scene(1, multiplier=1, size=(240, 320))
    layer_cam, five = (
        Atlas(model, methods=["layercam"], region="truth"),
        Atlas(model, methods=GRADIENT, region="truth"),
    )
    return seconds(
        {
            "Layer-CAM, maps": lambda: layer_cam.maps(images, masks),
            "all five, maps": lambda: five.maps(images, masks),
            "all five, measures": lambda: five.update(images, masks),
        },
        turns=9,
    )


def in_process(name: str, *arguments: str) -> Any:
    command = [sys.executable, __file__, "--measure", name, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def report() -> None:
    import torch

    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads\n")
    print("| what | ours | other | ratio | aim |\n|---|---|---|---|---|")
    if HAS_GRAD_CAM:
        cam = in_process("grad_cam")
        print(
            f"| Grad-CAM, 23 layers, 2 classes: grad-cam layer by layer / ours | {cam['ours']:.2f} s | "
            f"{cam['theirs']:.1f} s | {cam['theirs'] / cam['ours']:.0f} | >= 30 |"
        )
        print(f"| … largest difference of the maps, of 1 | {cam['difference']:.1e} | | | |")
    times = in_process("methods")["times"]
    full = times["all five, measures"]
    for name in ("Grad-CAM, maps", "Grad-CAM, measures"):
        print(f"| five methods with measures / {name} | {full:.2f} s | {times[name]:.2f} s | {full / times[name]:.2f} | "
              "<= 1.5 |")  # fmt: skip
    step = in_process("memory", "training step")["above idle"]
    for name in ("Grad-CAM", "five methods"):
        held = in_process("memory", name)["above idle"]
        print(f"| memory: {name} / training step | {held:.0f} MiB | {step:.0f} MiB | {held / step:.2f} | <= 1.3 |")
    if HAS_GRAD_CAM:
        score = in_process("score_cam")
        for name in ("both classes", "one class"):
            ours, theirs = score[f"ours, {name}"], score[f"theirs, {name}"]
            print(
                f"| Score-CAM of {SCORE_LAYER}, {name}, {SCORE_MEMORY} MiB: grad-cam / ours | {ours:.2f} s | "
                f"{theirs:.2f} s | {theirs / ours:.1f} | >= 2 |"
            )
    for name, value in in_process("one_image").items():
        print(f"| one image of 240 x 320, U-Net crffg M1, {name} | {value:.2f} s | | | <= 0.3 s |")
    held = in_process("loop")
    print("\nMemory along 200 images, five methods (MiB): " + ", ".join(f"{n}: {v:.0f}" for n, v in held.items()))
    if not HAS_GRAD_CAM:
        print("grad-cam is not installed here; `make bench-peers` compares with it.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--measure", nargs="+", help=argparse.SUPPRESS)
    chosen = parser.parse_args().measure
    if chosen is None:
        report()
    else:
        print(json.dumps(globals()[f"measure_{chosen[0]}"](*chosen[1:])))


if __name__ == "__main__":
    main()

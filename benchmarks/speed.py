"""Speed and memory as ratios, measured side by side in one run.

    python benchmarks/speed.py

(a) CRFFg2d against Conv2d + ReLU, forward and forward + backward; (b) a training step of the U-Net crffg M3 at 224²,
batch 16, against the same network in plain eager mode; (c) latency of one image in PyTorch and onnxruntime; (d) peak
memory of each. Every setting runs in a process of its own; numbers are medians.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

SHAPES = ((8, 64, 64, 64, 64), (8, 16, 224, 224, 48))
STEPS = {
    "plain: eager, NCHW, fp32": [],
    "kept memory": ["memory"],
    "kept memory, channels_last": ["memory", "last"],
    "kept memory, channels_last, bf16": ["memory", "last", "bf16"],
    "default: kept memory, channels_last, compiled": ["memory", "last", "compile"],
    "compiled and bf16": ["memory", "last", "compile", "bf16"],
}


def median_seconds(function: Callable[[], object], runs: int, warm: int = 2) -> float:
    for _ in range(warm):
        function()
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure_layers(compiled: bool) -> dict[str, list[float]]:
    """Times of both layers, taken in turns so that the machine's drift hits both alike."""
    import torch
    from torch import nn

    from prismseg.base import keep_freed_memory
    from prismseg.features import CRFFg2d

    keep_freed_memory()
    results = {}
    for batch, channels, height, width, out in SHAPES:
        torch.manual_seed(0)
        images = torch.randn(batch, channels, height, width).to(memory_format=torch.channels_last)
        gradient = torch.randn(batch, out, height, width).to(memory_format=torch.channels_last)
        layers = {
            "conv": nn.Sequential(nn.Conv2d(channels, out, 3, padding=1), nn.ReLU()),
            "crffg": CRFFg2d(channels, out, normalization="none"),
            "crffg with its normalisation": CRFFg2d(channels, out),
        }
        times: dict[str, list[list[float]]] = {name: [[], []] for name in layers}
        for layer in layers.values():
            layer.to(memory_format=torch.channels_last)
            if compiled:
                layer.compile()
        for turn in range(14):
            for name, layer in layers.items():
                inputs = images.clone().requires_grad_()
                start = time.perf_counter()
                with torch.no_grad():
                    layer(images)
                middle = time.perf_counter()
                layer(inputs).backward(gradient)
                end = time.perf_counter()
                if turn >= 3:
                    times[name][0].append(middle - start)
                    times[name][1].append(end - middle)
        key = f"({batch}, {channels}, {height}, {width}) -> {out}"
        for name, (forward, both) in times.items():
            results[f"{key} {name}"] = [statistics.median(forward), statistics.median(both)]
    return results


def measure_step(options: list[str]) -> dict[str, float]:
    import torch

    from prismseg.base import keep_freed_memory
    from prismseg.nets import create_model
    from prismseg.train import create_loss

    if "memory" in options:
        keep_freed_memory()
    torch.manual_seed(0)
    format_ = torch.channels_last if "last" in options else torch.contiguous_format
    model = create_model("unet", "crffg", multiplier=3).to(memory_format=format_).train()
    images = torch.randn(16, 1, 224, 224).to(memory_format=format_)
    masks = (torch.rand(16, 224, 224) > 0.7).long()
    loss, optimizer = create_loss("dice", 1), torch.optim.AdamW(model.parameters(), lr=1e-3)
    if "compile" in options:
        model.compile()

    def step() -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled="bf16" in options):
            logits = model(images)
        loss(logits.float(), masks).backward()
        optimizer.step()
        optimizer.zero_grad()

    start = time.perf_counter()
    step()
    first = time.perf_counter() - start
    return {"seconds": median_seconds(step, 7), "first": first, "peak": peak_mib()}


def measure_latency(runtime: str) -> dict[str, float]:
    import torch

    from prismseg.base import keep_freed_memory
    from prismseg.nets import create_model, export_onnx

    keep_freed_memory()
    torch.manual_seed(0)
    model = create_model("unet", "crffg", multiplier=3).eval().to(memory_format=torch.channels_last)
    image = torch.randn(1, 1, 224, 224).to(memory_format=torch.channels_last)
    if runtime == "torch":
        with torch.inference_mode():
            return {"seconds": median_seconds(lambda: model(image), 30), "peak": peak_mib()}
    import onnxruntime

    with tempfile.TemporaryDirectory() as folder:
        error = export_onnx(model, Path(folder) / "net.onnx")
        session = onnxruntime.InferenceSession(str(Path(folder) / "net.onnx"))
        pixels = image.numpy()
        seconds = median_seconds(lambda: session.run(None, {"images": pixels}), 30)
    return {"seconds": seconds, "peak": peak_mib(), "error": error}


def run(*arguments: str) -> dict:
    command = [sys.executable, __file__, "--worker", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def report() -> None:
    import torch

    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads\n")
    print("(a) layer against Conv2d + ReLU, channels_last, fp32\n")
    print("| shape | layer | mode | forward | forward + backward |")
    print("|---|---|---|---|---|")
    for mode in ("eager", "compiled"):
        times = run("layers", mode)
        for shape in SHAPES:
            key = f"({shape[0]}, {shape[1]}, {shape[2]}, {shape[3]}) -> {shape[4]}"
            base = times[f"{key} conv"]
            for name in ("crffg", "crffg with its normalisation"):
                ratios = [ours / theirs for ours, theirs in zip(times[f"{key} {name}"], base, strict=True)]
                print(f"| {key} | {name} | {mode} | {ratios[0]:.2f} | {ratios[1]:.2f} |")
    print("\n(b, d) training step, U-Net crffg M3, 224², batch 16\n")
    print("| setting | seconds | ratio to plain | first step | peak MiB |")
    print("|---|---|---|---|---|")
    plain = 0.0
    for name, options in STEPS.items():
        result = run("step", *options)
        plain = plain or result["seconds"]
        print(
            f"| {name} | {result['seconds']:.2f} | {result['seconds'] / plain:.2f} | {result['first']:.0f} s | "
            f"{result['peak']:.0f} |"
        )
    print("\n(c, d) latency of one image, U-Net crffg M3, 224²\n")
    print("| runtime | milliseconds | peak MiB |")
    print("|---|---|---|")
    for runtime in ("torch", "onnxruntime"):
        result = run("latency", runtime)
        print(f"| {runtime} | {result['seconds'] * 1e3:.1f} | {result['peak']:.0f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--worker", nargs="+", help=argparse.SUPPRESS)
    worker = parser.parse_args().worker
    if worker is None:
        report()
    elif worker[0] == "layers":
        print(json.dumps(measure_layers(worker[1] == "compiled")))
    elif worker[0] == "step":
        print(json.dumps(measure_step(worker[1:])))
    else:
        print(json.dumps(measure_latency(worker[1])))


if __name__ == "__main__":
    main()

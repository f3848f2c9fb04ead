"""Everything worth measuring on a GPU, in pieces that end in time and continue when asked again.

    python benchmarks/gpu.py OUT --photos coco-photos --work WORK --minutes 8.5 speed objective loss train

OUT gets small files only: speed.json, objective.json, loss.json and records.tar.gz (specs, records,
counts and curves). WORK keeps the stores and checkpoints, from which the next call goes on.
`coco-photos` is a folder with images/, persons/ and stuff/.
"""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import torch
from iic_loss import ratios
from objective import compare

from infoseg_bench.contracts import RunContext, Task
from infoseg_bench.data.train_images import TrainBatch
from infoseg_bench.infoseg.method import InfoSeg
from infoseg_bench.infoseg.parameters import InfoSegParameters

PAPER = {"batch": 64, "P": 1024}
"""PAPER 5.1; crops of 128x128 are the data sets' own."""
DATASETS = {
    "photos-persons": ["persons", "--classes", "background,person", "--evaluate-if", "person >= 0.2"],
    "photos-stuff-3": ["stuff", "--class-map", "coco-stuff-3"],
    "photos-stuff-15": ["stuff", "--class-map", "coco-stuff-15"],
}
STEPS = 10_000
"""Ours: about 200 epochs of the 3 229 photos."""
KEPT = ("spec.json", "record.json", "counts.npz", "curve.jsonl")


def speed(options: argparse.Namespace, left: float) -> None:
    """Time InfoSeg's training step at the paper's settings, beside the device's matrix rate."""
    device = torch.device(options.device)
    task = Task(dataset="speed", channels=3, crop=128, clusters=15)
    parameters = InfoSegParameters.parse(PAPER, "infoseg")
    method = InfoSeg(parameters, task, RunContext(seed=0, device=device, steps=1))
    images = torch.rand(PAPER["batch"], 3, 128, 128, device=device)
    batch = TrainBatch(images=images, inside=torch.ones_like(images[:, 0], dtype=torch.bool), mask=None)
    seconds = _seconds(lambda: method._train_step(batch), device)
    side = 4096 if device.type == "cuda" else 1024
    matrix = torch.rand(side, side, device=device)
    rate = 2 * side**3 / _seconds(lambda: matrix @ matrix, device)
    peak = torch.cuda.max_memory_allocated(device) if device.type == "cuda" else None
    figures = {
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
        "images_per_second": PAPER["batch"] / seconds,
        "float32_matrix_flops_per_second": rate,
        "peak_device_bytes": peak,
    }
    (options.out / "speed.json").write_text(json.dumps(figures, indent=2) + "\n")


def objective(options: argparse.Namespace, left: float) -> None:
    """Compare the objective without S and with it, at the paper's sizes."""
    figures = {
        f"K={clusters}": compare(device=options.device, batch=64, clusters=clusters, features=1024, side=32)
        for clusters in (3, 15)
    }
    (options.out / "objective.json").write_text(json.dumps(figures, indent=2) + "\n")


def loss(options: argparse.Namespace, left: float) -> None:
    """Compare IIC's loss by correlation and by convolution, at the sizes of head A on COCO-Stuff."""
    sizes = {"batch": 60, "clusters": 45, "side": 128, "radius": 10}
    figures = {
        name: ratios(device=options.device, collapsed=collapsed, **sizes)
        for name, collapsed in (("uncollapsed", 0), ("collapsed", 1))
    }
    (options.out / "loss.json").write_text(json.dumps(figures, indent=2) + "\n")


def train(options: argparse.Namespace, left: float) -> None:
    """Prepare the photos, then run every method, until done or until the time is over."""
    deadline = time.monotonic() + left
    data, results = options.work / "data", options.work / "results"
    for name, (labels, *more) in DATASETS.items():
        if not (data / f"{name}.h5").exists():
            folders = ["--images", options.photos / "images", "--labels", options.photos / labels]
            _command("prepare", "image-folder", "--name", name, "--data", data, *folders, *more).wait()
    words = [word for name in DATASETS for word in ("--dataset", name)]
    words += [word for name in ("kmeans", "random-cnn", "infoseg") for word in ("--method", name)]
    running = _command(
        "run", *words, "--seeds", "0-2", "--steps", options.steps, "--data", data, "--results", results,
        "--device", options.device, "--jobs", options.jobs,
    )  # fmt: skip
    try:
        running.wait(timeout=max(1.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        running.send_signal(signal.SIGINT)
        running.wait()
    with tarfile.open(options.out / "records.tar.gz", "w:gz") as archive:
        for file in sorted((results / "runs").glob("*/*")):
            if file.name in KEPT and (file.parent / "record.json").exists():
                archive.add(file, arcname=str(file.relative_to(results)))


PIECES = {"speed": speed, "objective": objective, "loss": loss, "train": train}


def main() -> None:
    """Do the pieces in order, as far as the time goes."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("out", type=Path)
    parser.add_argument("pieces", nargs="*", choices=[*PIECES], default=[*PIECES])
    parser.add_argument("--photos", type=Path, default=Path("coco-photos"))
    parser.add_argument("--work", type=Path, default=Path("gpu-work"))
    parser.add_argument("--minutes", type=float, default=8.5)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--jobs", type=int, default=3)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + 60 * options.minutes
    for piece in options.pieces:
        PIECES[piece](options, deadline - time.monotonic())


def _command(*words: object) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "infoseg_bench", *(str(word) for word in words)])


def _seconds(step: object, device: torch.device, repeats: int = 10) -> float:
    assert callable(step)
    for _ in range(3):
        step()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    began = time.perf_counter()
    for _ in range(repeats):
        step()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return (time.perf_counter() - began) / repeats


if __name__ == "__main__":
    main()

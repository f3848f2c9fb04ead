"""Everything worth measuring on a GPU, in pieces that end in time and continue when asked again.

    python benchmarks/gpu.py OUT --photos coco-photos --work WORK speed objective loss train ablation

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

WAYS = {
    "float32": ["float32"],
    "bfloat16": ["bfloat16"],
    "bfloat16, compiled": ["bfloat16", "--compile"],
}
"""Precision and options of `infoseg-bench speed`. Goals on one H200 in bfloat16, chosen by this project: 45
% of the matrix
rate, data under 3 % of the step, under 16 GB."""
DATASETS = {
    "photos-persons": ["persons", "--classes", "background,person", "--evaluate-if", "person >= 0.2"],
    "photos-stuff-3": ["stuff", "--class-map", "coco-stuff-3"],
    "photos-stuff-15": ["stuff", "--class-map", "coco-stuff-15"],
}
STEPS = 10_000
"""Chosen by this project: about 200 epochs of the 3 229 photos."""
KEPT = ("spec.json", "record.json", "counts.npz", "curve.jsonl")


def speed(options: argparse.Namespace, left: float) -> None:
    """Measure InfoSeg's step at the paper's settings, as `infoseg-bench speed` does, each way once.

    Every way is a process of its own, so that peak memory is its own; those in speed.json stay.
    """
    deadline = time.monotonic() + left
    file = options.out / "speed.json"
    figures = json.loads(file.read_text()) if file.exists() else {}
    for name, (precision, *flags) in WAYS.items():
        if name in figures or time.monotonic() > deadline:
            continue
        words = ["speed", "--method", "infoseg", "--json", "--no-suites", "--device", options.device, *flags]
        settings = {"precision": precision, "P": 1024, "batch": 64}
        words += [f"--set=infoseg.{key}={value}" for key, value in settings.items()]
        done = subprocess.run([sys.executable, "-m", "infoseg_bench", *words], capture_output=True, text=True)
        figures[name] = json.loads(done.stdout) if done.returncode == 0 else {"error": done.stderr[-2000:]}
        file.write_text(json.dumps(figures, indent=2) + "\n")


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
    """Run the reference methods and InfoSeg at the paper's settings on all three data sets."""
    words = [word for name in DATASETS for word in ("--dataset", name)]
    words += [word for name in ("kmeans", "random-cnn", "infoseg") for word in ("--method", name)]
    _run_on_photos(options, left, *words)


def ablation(options: argparse.Namespace, left: float) -> None:
    """Run the five rows of the paper's Table 2 on the photos with three classes."""
    _run_on_photos(options, left, "--all", "--suite", "ablation", "--dataset", "photos-stuff-3")


def _run_on_photos(options: argparse.Namespace, left: float, *words: str) -> None:
    """Prepare the photos, then run until done or until the time is over, and pack the records."""
    deadline = time.monotonic() + left
    data, results = options.work / "data", options.work / "results"
    for name, (labels, *more) in DATASETS.items():
        if not (data / f"{name}.h5").exists():
            folders = ["--images", options.photos / "images", "--labels", options.photos / labels]
            _command("prepare", "image-folder", "--name", name, "--data", data, *folders, *more).wait()
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


PIECES = {"speed": speed, "objective": objective, "loss": loss, "train": train, "ablation": ablation}


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


if __name__ == "__main__":
    main()

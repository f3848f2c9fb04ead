"""The command line as a user types it."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
from click.testing import CliRunner
from PIL import Image

from infoseg_bench.cli import main

ONE_THREAD = ["--jobs", "2"]
"""Half of two cores for every run: small networks are slow on threads that wait for each other."""
SMALL_INFOSEG = [*ONE_THREAD, "--set", "infoseg.width=4", "--set", "infoseg.P=8", "--set", "infoseg.batch=4"]


def launched_here(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command in `folder` in this process, which has loaded torch; its runs are processes still."""
    with contextlib.chdir(folder):
        done = CliRunner().invoke(main, words, catch_exceptions=False)
    return subprocess.CompletedProcess(words, done.exit_code, done.stdout, done.stderr)


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "infoseg_bench", *words]


def environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("INFOSEG_BENCH")}


def write_photos(folder: Path, count: int = 8, side: int = 40) -> None:
    """Write photos in which a bright disk, class 1, lies on dark noise, class 0."""
    (folder / "photos").mkdir(parents=True)
    (folder / "labels").mkdir()
    rows, columns = np.mgrid[:side, :side]
    for index in range(count):
        random = np.random.default_rng(index)
        centre = random.integers(10, side - 10, 2)
        disk = ((rows - centre[0]) ** 2 + (columns - centre[1]) ** 2 < 90).astype(np.uint8)
        image = random.integers(0, 90, (side, side, 3)) + 120 * disk[..., None]
        Image.fromarray(image.astype(np.uint8)).save(folder / "photos" / f"{index:03}.png")
        Image.fromarray(disk).save(folder / "labels" / f"{index:03}.png")


def prepare_photos(folder: Path, **photos: int) -> None:
    """Write photos and prepare them as the data set `mine`."""
    write_photos(folder, **photos)
    done = launched_here(
        folder,
        "prepare",
        "image-folder",
        "--name",
        "mine",
        "--images",
        "photos",
        "--labels",
        "labels",
        "--classes",
        "background,disk",
        "--crop",
        "32",
    )
    assert done.returncode == 0, done.stderr

"""Score a model of another library: segment the scored images with a function, and evaluate its label maps.

    infoseg-bench prepare synthetic-scenes
    python examples/score_other_model.py synthetic-scenes

Replace `segment` by your own model. It gets an image as an array of height x width x channels (uint8) and
returns an array of height x width whole numbers: clusters or classes, in any order and number.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image
from skimage.filters import threshold_multiotsu

Segment = Callable[[np.ndarray], np.ndarray]


def segment(image: np.ndarray) -> np.ndarray:
    """Divide brightness into three parts by Otsu's method."""
    brightness = image.mean(axis=2)
    return np.digitize(brightness, threshold_multiotsu(brightness, classes=3))


def score(dataset: str, segment: Segment, *, name: str, labels_used: str, options: list[str]) -> None:
    """Write the scored images, segment each, and pass the label maps to `infoseg-bench evaluate`.

    Args:
        dataset: name of a prepared data set
        segment: your model
        name: name of the row on the leaderboard
        labels_used: label information used to make the model: none, mask, selection or training
        options: further options of `infoseg-bench evaluate`, such as --data and --results
    """
    evaluate = [sys.executable, "-m", "infoseg_bench", "evaluate", "--dataset", dataset, *options]
    with tempfile.TemporaryDirectory() as folder:
        images, maps = Path(folder, "images"), Path(folder, "maps")
        maps.mkdir()
        subprocess.run([*evaluate, "--write-images", str(images)], check=True)
        for image in sorted(images.rglob("*.png")):
            place = maps / image.relative_to(images).with_suffix(".npy")
            place.parent.mkdir(parents=True, exist_ok=True)
            np.save(place, segment(np.asarray(Image.open(image))))
        declared = ["--predictions", str(maps), "--name", name, "--labels-used", labels_used]
        subprocess.run([*evaluate, *declared], check=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset")
    known, options = parser.parse_known_args()
    score(known.dataset, segment, name="Brightness in three", labels_used="none", options=options)

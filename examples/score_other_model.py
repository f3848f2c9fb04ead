"""Score a model of any other library: segment the scored photos with a function, and evaluate its label maps.

    infoseg-bench prepare synthetic-scenes
    python examples/score_other_model.py synthetic-scenes

Replace `segment` with your own model. It gets one photo as height x width x channels (uint8) and returns
height x width whole numbers: clusters or classes, in any order, and as many as you like.
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


def segment(photo: np.ndarray) -> np.ndarray:
    """Cut brightness into three, by Otsu's method."""
    brightness = photo.mean(axis=2)
    return np.digitize(brightness, threshold_multiotsu(brightness, classes=3))


def score(dataset: str, segment: Segment, *, name: str, labels_used: str, options: list[str]) -> None:
    """Write the scored photos, segment each, and hand the label maps to `infoseg-bench evaluate`.

    Args:
        dataset: a prepared data set
        segment: your model
        name: of the row on the board
        labels_used: in any way to make the model: none, mask, selection or training
        options: more options of `infoseg-bench evaluate`, such as --data and --results
    """
    evaluate = [sys.executable, "-m", "infoseg_bench", "evaluate", "--dataset", dataset, *options]
    with tempfile.TemporaryDirectory() as folder:
        photos, maps = Path(folder, "photos"), Path(folder, "maps")
        maps.mkdir()
        subprocess.run([*evaluate, "--write-images", str(photos)], check=True)
        for photo in sorted(photos.rglob("*.png")):
            place = maps / photo.relative_to(photos).with_suffix(".npy")
            place.parent.mkdir(parents=True, exist_ok=True)
            np.save(place, segment(np.asarray(Image.open(photo))))
        declared = ["--predictions", str(maps), "--name", name, "--labels-used", labels_used]
        subprocess.run([*evaluate, *declared], check=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset")
    known, options = parser.parse_known_args()
    score(known.dataset, segment, name="Brightness in three", labels_used="none", options=options)

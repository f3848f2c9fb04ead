"""Label-free diagnostics of a method's current state, on a fixed sample of the evaluation images.

Because they use no labels, methods and parameters may be selected by them. Maps are compared by normalised
mutual information (NMI), which does not depend on the order of the clusters.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Int16
from torch import Tensor

from infoseg_bench.contracts import Method
from infoseg_bench.data.evaluation_set import EvaluationSet
from infoseg_bench.images.color_jitter import color_jitter
from infoseg_bench.runs.checkpoint import TrainingState
from infoseg_bench.runs.prediction import EVALUATION_BATCH
from infoseg_bench.scoring.agreement import normalized_mutual_information
from infoseg_bench.utils.randomness import generator

SAMPLE = EVALUATION_BATCH
"""Maximum number of images in the sample; chosen by this project: one batch of the evaluation."""
SPACING = 4
"""Every fourth pixel of every fourth row is compared; chosen by this project: InfoSeg's resolution of L."""
JITTER = {"brightness": 0.4, "contrast": 0.4, "saturation": 0.4, "hue": 0.125}
"""Change of colours that should not change a segmentation: IIC's (segmentation_twohead.py:101-104)."""
EARLY = 0.1
"""Fraction of the budget after which the early maps are taken; chosen by this project."""
CHANGED = 1 / 3
"""Classes have changed their meaning if the NMI of the last and the early maps is below this fraction of the
early maps' self-agreement; chosen by this project."""

SELF_AGREEMENT = "self_agreement"
"""Name of the NMI between the segmentations of images and of their mirrored copies with changed colours."""

Maps = Int16[np.ndarray, "image row column"]


@dataclass(frozen=True)
class Diagnosis:
    """The diagnostics of one state.

    Attributes:
        figures: values by name, for the curve and the record
        maps: cluster maps of the sample, every fourth pixel in both directions
    """

    figures: dict[str, float]
    maps: Maps


class Sample:
    """The images on which all states of a run are diagnosed."""

    def __init__(self, evaluation_set: EvaluationSet) -> None:
        """Choose evenly spaced evaluation images, and make their mirrored copies with changed colours."""
        self._images, inside = evaluation_set.sample(SAMPLE)
        changed = color_jitter(self._images.flip(3), **JITTER, generator=generator(0, "diagnostics"))
        self._changed = changed.clamp(0, 1)
        self._inside: Bool[np.ndarray, "image row column"] = _thinned(inside)

    def diagnose(self, method: Method, training: TrainingState) -> Diagnosis:
        """Return the diagnostics of a method, without changing its state.

        Args:
            method: the method, after `before_evaluation`
            training: contains the early maps to compare with
        """
        with torch.no_grad():
            maps = _thinned(method.predict(self._images))
            again = _thinned(method.predict(self._changed).flip(2))
            figures = {name: float(value) for name, value in method.diagnose(self._images).items()}
        figures["cluster_usage"] = usage(maps[self._inside])
        figures[SELF_AGREEMENT] = self._agreement(maps, again)
        if 0 <= training.early_step < training.step and training.early_maps is not None:
            figures["early_agreement"] = self._agreement(maps, training.early_maps)
        return Diagnosis(figures, maps)

    def _agreement(self, one: Maps, other: Maps) -> float:
        return agreement(one[self._inside], other[self._inside])


def remember(training: TrainingState, diagnosis: Diagnosis, *, steps: int | None) -> None:
    """Store the diagnostics; also the maps, until the first evaluation after `EARLY * steps`."""
    training.diagnostics = diagnosis.figures
    if not steps or training.early_step >= 0:
        return
    training.early_maps = diagnosis.maps
    if training.step >= max(1, EARLY * steps):
        training.early_step, training.early_agreement = training.step, diagnosis.figures[SELF_AGREEMENT]


def usage(clusters: Int16[np.ndarray, " pixel"]) -> float:
    """Return the effective number of clusters, from 1 to K: the exponential of the entropy of their sizes."""
    sizes = np.unique(clusters, return_counts=True)[1] / len(clusters)
    return math.exp(-float((sizes * np.log(sizes)).sum()))


def agreement(one: Int16[np.ndarray, " pixel"], other: Int16[np.ndarray, " pixel"]) -> float:
    """Return the NMI of two maps, in [0, 1]; 0 if both have a single cluster."""
    joint = np.zeros((int(one.max()) + 1, int(other.max()) + 1), dtype=np.int64)
    np.add.at(joint, (one, other), 1)
    single = np.count_nonzero(joint.sum(axis=1)) == np.count_nonzero(joint.sum(axis=0)) == 1
    return 0.0 if single else normalized_mutual_information(joint)


def changed_meaning(training: TrainingState) -> list[str]:
    """Return a warning if the last maps hardly agree with the early ones, else an empty list.

    Without labels, it is not known which of them are better. IIC's have gained by such a change.
    """
    last = training.diagnostics.get("early_agreement")
    if last is None or last >= CHANGED * training.early_agreement:
        return []
    return [
        f"its classes changed their meaning: the last segmentation has an NMI of {last:.2f} with that of "
        f"step {training.early_step}. With the segmentation of the same images mirrored and with changed "
        f"colours, the NMI is {training.diagnostics[SELF_AGREEMENT]:.2f} at the last step, and was "
        f"{training.early_agreement:.2f} at step {training.early_step}"
    ]


def _thinned(maps: Tensor) -> np.ndarray:
    thin = maps[:, ::SPACING, ::SPACING].cpu().numpy()
    return thin if thin.dtype == bool else thin.astype(np.int16)

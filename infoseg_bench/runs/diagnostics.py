"""Label-free figures of a method's present state, from a fixed sample of the scored crops.

They may be looked at while a method is chosen. Maps are compared by their normalised mutual information, in
which the order of the clusters does not matter; maps of a single cluster agree with nothing.
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
"""Crops in the sample at most; chosen by this project: no more memory than an evaluation takes."""
SPACING = 4
"""Every fourth pixel of every fourth row is compared; chosen by this project, as InfoSeg's L is as fine."""
JITTER = {"brightness": 0.4, "contrast": 0.4, "saturation": 0.4, "hue": 0.125}
"""Change of colours under which a segmentation should stay: IIC's (segmentation_twohead.py:101-104)."""
EARLY = 0.1
"""Fraction of the budget after which a state is compared with all later ones; chosen by this project."""
LOST = 1 / 3
"""Classes have lost their meaning if the last maps agree with the early ones by less than this fraction of
the early ones' agreement with themselves; chosen by this project."""

SELF_AGREEMENT = "self_agreement"
"""Name of the agreement of the segmentation with itself under a mirror and a change of colours."""

Maps = Int16[np.ndarray, "image row column"]


@dataclass(frozen=True)
class Diagnosis:
    """What was found of one state.

    Attributes:
        figures: by name, for the curve and the record
        maps: of the sample, every fourth pixel
    """

    figures: dict[str, float]
    maps: Maps


class Sample:
    """The crops on which every state of a run is diagnosed."""

    def __init__(self, evaluation_set: EvaluationSet) -> None:
        """Take the crops, evenly spaced, and their changed copies."""
        self._images, inside = evaluation_set.sample(SAMPLE)
        changed = color_jitter(self._images.flip(3), **JITTER, generator=generator(0, "diagnostics"))
        self._changed = changed.clamp(0, 1)
        self._inside: Bool[np.ndarray, "image row column"] = _thinned(inside)

    def diagnose(self, method: Method, training: TrainingState) -> Diagnosis:
        """Take the figures of a method that is ready to predict; nothing of it changes."""
        with torch.no_grad():
            maps = _thinned(method.predict(self._images))
            again = _thinned(method.predict(self._changed).flip(2))
            figures = {name: float(value) for name, value in method.diagnose(self._images).items()}
        figures["cluster_usage"] = usage(maps[self._inside])
        figures[SELF_AGREEMENT] = self._agreement(maps, again)
        if training.early_step >= 0 and training.early_maps is not None:
            figures["early_agreement"] = self._agreement(maps, training.early_maps)
        return Diagnosis(figures, maps)

    def _agreement(self, one: Maps, other: Maps) -> float:
        return agreement(one[self._inside], other[self._inside])


def remember(training: TrainingState, diagnosis: Diagnosis, *, steps: int | None) -> None:
    """Keep the figures, and the maps up to the first evaluation after a tenth of the steps."""
    training.diagnostics = diagnosis.figures
    if not steps or training.early_step >= 0:
        return
    training.early_maps = diagnosis.maps
    if training.step >= max(1, EARLY * steps):
        training.early_step, training.early_agreement = training.step, diagnosis.figures[SELF_AGREEMENT]


def usage(clusters: Int16[np.ndarray, " pixel"]) -> float:
    """Return the number of clusters in use, the exponential of the entropy of their sizes: from 1 to K."""
    sizes = np.unique(clusters, return_counts=True)[1] / len(clusters)
    return math.exp(-float((sizes * np.log(sizes)).sum()))


def agreement(one: Int16[np.ndarray, " pixel"], other: Int16[np.ndarray, " pixel"]) -> float:
    """Return the normalised mutual information of two maps, in [0, 1]; 0 if both are a single cluster."""
    joint = np.zeros((int(one.max()) + 1, int(other.max()) + 1), dtype=np.int64)
    np.add.at(joint, (one, other), 1)
    single = np.count_nonzero(joint.sum(axis=1)) == np.count_nonzero(joint.sum(axis=0)) == 1
    return 0.0 if single else normalized_mutual_information(joint)


def lost_meaning(training: TrainingState) -> list[str]:
    """Return a warning if the clusters of the last state have little to do with the early ones."""
    last = training.diagnostics.get("early_agreement")
    if last is None or last >= LOST * training.early_agreement:
        return []
    return [
        f"its classes lost their meaning: the segmentation at the end has NMI {last:.2f} with that of step "
        f"{training.early_step}, which had {training.early_agreement:.2f} with itself under a mirror and a "
        "change of colours"
    ]


def _thinned(maps: Tensor) -> np.ndarray:
    thin = maps[:, ::SPACING, ::SPACING].cpu().numpy()
    return thin if thin.dtype == bool else thin.astype(np.int16)

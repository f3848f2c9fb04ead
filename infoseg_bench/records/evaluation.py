"""Computes every score of a record from its counts."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from jaxtyping import Int64

from infoseg_bench.records.record import Evaluation, MatchedScores
from infoseg_bench.records.spec import RunSpec
from infoseg_bench.scoring.agreement import adjusted_rand_index, normalized_mutual_information
from infoseg_bench.scoring.dropped import kept_clusters
from infoseg_bench.scoring.matching import Matching, majority, one_to_one
from infoseg_bench.scoring.scores import score

Selection = Literal["last", "best (chosen with labels)", "information", "stability"]


def scored_counts(
    spec: RunSpec, counts: Int64[np.ndarray, "*image cluster cls"]
) -> Int64[np.ndarray, "*image scored cls"]:
    """Return the counts of which a row's scores are made: all, unless its extra clusters are dropped."""
    return kept_clusters(counts) if spec.drops_extra_clusters else counts


def pixel_accuracy(counts: Int64[np.ndarray, "image cluster cls"]) -> float:
    """Return the headline score of a set: one matching for all images."""
    total = counts.sum(axis=0)
    return score(total, one_to_one(total)).pixel_accuracy


def evaluation(total: Int64[np.ndarray, "cluster cls"], *, step: int, selection: Selection) -> Evaluation:
    """Compute every score of a record from nothing but the counts of all images together."""
    return Evaluation(
        step=step,
        selection=selection,
        one_to_one=_matched(total, one_to_one(total)),
        majority=_matched(total, majority(total)),
        normalized_mutual_information=normalized_mutual_information(total),
        adjusted_rand_index=adjusted_rand_index(total),
    )


def _matched(total: Int64[np.ndarray, "cluster cls"], matching: Matching) -> MatchedScores:
    scores = score(total, matching)
    return MatchedScores(
        pixel_accuracy=scores.pixel_accuracy,
        mean_iou=scores.mean_iou,
        mean_class_accuracy=scores.mean_class_accuracy,
        iou=[None if math.isnan(value) else value for value in scores.iou],
        class_accuracy=[None if math.isnan(value) else value for value in scores.class_accuracy],
        matching=matching.classes.tolist(),
    )

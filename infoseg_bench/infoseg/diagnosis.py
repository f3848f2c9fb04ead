"""Diagnosis of InfoSeg's features without labels.

Features can raise the objective in two ways that find no classes. A code book: H is the same for every image,
and patches are merely clustered. A signature: H identifies the image, and the meaning of a class differs from
image to image.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from torch import Tensor

from infoseg_bench.information.jensen_shannon import jensen_shannon
from infoseg_bench.infoseg.network import Features
from infoseg_bench.infoseg.objective import (
    assignment_entropy,
    class_probabilities,
    class_scores,
    image_share,
    joint_scores,
    marginal_scores,
)

ZERO_INFORMATION = -2 * math.log(2)
"""The estimate of eq. 7 if all scores are zero."""
CODE_BOOK_SHARE = 0.05
"""Image share below which features may be a code book; chosen by this project: one had 0.03."""
CODE_BOOK_INFORMATION = 0.9
"""Smallest fraction of the information that a code book keeps with the mean H; chosen by this project."""


def label_free_figures(features: Features, tau: float) -> dict[str, Tensor]:
    """Return label-free figures of the features of a fixed batch.

    Args:
        features: features in float32, not folded
        tau: scale of the scores in eq. 3

    Returns:
        image_share: fraction of H's energy that depends on the image, in [0, 1]
        information: the estimate of eq. 7 plus 2 log 2, over all pairs of the batch, in nats: 0 if all scores
            are zero, at most 2 log 2
        information_with_mean_features: the same if every image gets the mean H of the batch
        assignment_entropy: mean entropy of V in nats, from 0 to log K
    """
    L, H = features.L, features.H
    mean = H.mean(dim=0, keepdim=True).expand_as(H)
    return {
        "image_share": image_share(H),
        "information": _information(L, H, tau),
        "information_with_mean_features": _information(L, mean, tau),
        "assignment_entropy": assignment_entropy(class_probabilities(class_scores(L, H), tau)),
    }


def suspicions(figures: Mapping[str, float]) -> list[str]:
    """Return a warning if the features are a mere code book of patches."""
    share, information = figures["image_share"], figures["information"]
    left = figures["information_with_mean_features"]
    if share >= CODE_BOOK_SHARE or left < CODE_BOOK_INFORMATION * information:
        return []
    return [
        f"the features are a code book of patches: only {100 * share:.1f} % of the energy of the global "
        "features depends on "
        f"the image, and {left:z.2f} of {information:z.2f} nats remain with the same features for all images"
    ]


def _information(L: Tensor, H: Tensor, tau: float) -> Tensor:
    scores = class_scores(L, H)
    V = class_probabilities(scores, tau)
    marginal = marginal_scores(L, H, V, pairing="all")
    return jensen_shannon(joint_scores(V, scores), marginal) - ZERO_INFORMATION

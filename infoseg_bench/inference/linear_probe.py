"""A linear probe: a linear classifier of frozen features, which is trained with labels.

It says how much of the classes the features contain, and is no score of unsupervised segmentation. STEGO
trains one along with its network (src/train_segmentation.py:76, 215-219, 380). Methods never see these
labels: the probe is trained after a run, on what the method gives.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int64
from torch import Tensor, nn

from infoseg_bench.contracts import Method
from infoseg_bench.data.catalogue import PreparedDataset
from infoseg_bench.data.evaluation_set import EvaluationSet
from infoseg_bench.data.view import VOID
from infoseg_bench.errors import UserError
from infoseg_bench.inference.probe_settings import BATCH, LEARNING_RATE
from infoseg_bench.runs.prediction import count
from infoseg_bench.utils.progress import ProgressFactory
from infoseg_bench.utils.randomness import generator


def probe_sets(
    prepared: PreparedDataset, *, protocol: str, device: torch.device
) -> tuple[EvaluationSet, EvaluationSet]:
    """Return the images and labels to train on and to score: centre crops of different photos.

    Raises:
        UserError: there are no labelled training photos that are not scored
    """
    arrays, view = prepared.store.arrays(labels=True), prepared.view
    apart = np.setdiff1d(view.train, view.evaluation)
    photos = apart[arrays.labelled[apart]]
    if not view.is_scored or not len(photos):
        raise UserError(
            f"{view.name}: no labelled training photos besides the scored ones, which a probe needs: "
            "prepare the data set with both, such as coco-stuff-27, or a folder with --evaluate-if"
        )
    seen = replace(view, evaluation=photos)
    train, scored = (EvaluationSet(arrays, part, protocol=protocol, device=device) for part in (seen, view))
    return train, scored


def train_probe(
    method: Method, images: EvaluationSet, *, classes: int, steps: int, seed: int, progress: ProgressFactory
) -> nn.Conv2d:
    """Train a 1x1 convolution from features to classes, with the cross-entropy of enlarged logits.

    Args:
        method: the fitted method, which stays as it is
        images: the images and labels to train on
        classes: number of classes
        steps: training steps
        seed: seed of initial weights and batches
        progress: shows the steps
    """
    some, _ = images.batch(torch.zeros(1, dtype=torch.int64))
    probe = _convolution(method.features(some).shape[1], classes, seed).to(some.device)
    optimiser = torch.optim.Adam(probe.parameters(), lr=LEARNING_RATE)
    for step in progress(range(steps), "probing"):
        photos = torch.randint(len(images), (BATCH,), generator=generator(seed, "probe", step))
        batch, labels = images.batch(photos)
        features = method.features(batch).detach()
        logits = _enlarged(probe(features), batch)
        losses = F.cross_entropy(logits, labels.long(), ignore_index=VOID, reduction="sum")
        optimiser.zero_grad()
        loss = losses / (labels != VOID).sum().clamp(min=1)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    return probe


def probe_counts(
    method: Method, probe: nn.Conv2d, images: EvaluationSet, *, classes: int
) -> Int64[np.ndarray, "image predicted cls"]:
    """Return the pixels per predicted class and class of every scored image."""

    def predict(batch: Tensor) -> Tensor:
        return _enlarged(probe(method.features(batch)), batch).argmax(dim=1)

    return count(predict, images, n_clusters=classes, n_classes=classes, should_stop=lambda: False)


def _convolution(features: int, classes: int, seed: int) -> nn.Conv2d:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(generator(seed, "probe weights").initial_seed())
        return nn.Conv2d(features, classes, 1)


def _enlarged(
    logits: Float[Tensor, "batch cls rows columns"], images: Float[Tensor, "batch channel height width"]
) -> Float[Tensor, "batch cls height width"]:
    return F.interpolate(logits, size=images.shape[2:], mode="bilinear", align_corners=False)

"""The checks that make up the contract of a method."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from infoseg_bench.contracts import Method
from infoseg_bench.data.store import Store
from infoseg_bench.method_checks.check import Check, Outcome, do_checks, require
from infoseg_bench.method_checks.check_photos import CLASSES, CROP, Labels, write_check_store
from infoseg_bench.method_checks.cost_checks import mixed_precision, never_waits
from infoseg_bench.method_checks.declared import described, named, pretraining, resolvable
from infoseg_bench.method_checks.leaks import leaks
from infoseg_bench.method_checks.subject import STEPS, Subject, images, state_digest

SAME_SHARE = 0.999
"""Minimum fraction of pixels that do not depend on the batch; others may be ties, decided by rounding. Chosen
by this project."""


def clusters_in_range(subject: Subject) -> None:
    """Check shape, type and values of the clusters that `predict` returns."""
    clusters = subject.fitted().predict(images())
    shape = tuple(clusters.shape)
    require(shape == (3, CROP, CROP), f"predict returns shape {shape} for 3 images of {CROP}x{CROP} pixels")
    require(clusters.dtype == torch.int64, f"predict returns {clusters.dtype}, not torch.int64")
    low, high = int(clusters.min()), int(clusters.max())
    require(0 <= low <= high < CLASSES, f"predict returns clusters {low} to {high}, with K = {CLASSES}")


def scores_give_the_clusters(subject: Subject) -> str | None:
    """Check that `scores` and `predict` agree."""
    if not subject.cls.gives_scores():
        return "gives clusters without scores"
    method = subject.fitted()
    scores = method.scores(images())
    require(scores.shape == (3, CLASSES, CROP, CROP), f"scores gives {tuple(scores.shape)}")
    require(bool(scores.isfinite().all()), "scores gives values that are not finite")
    require(torch.equal(scores.argmax(dim=1), method.predict(images())), "predict gives other clusters")
    return None


def four_bands(subject: Subject) -> None:
    """Check that the method works on images with four channels, such as RGB and infrared."""
    shape = tuple(subject.fitted(channels=4).predict(images(4)).shape)
    require(shape == (3, CROP, CROP), f"predict returns shape {shape} for 3 images of {CROP}x{CROP} pixels")


def labels_have_no_part(subject: Subject) -> None:
    """Check that the same photos with other labels, and without labels, give identical clusters."""
    kinds: tuple[Labels, ...] = ("own", "others", "none")
    clusters = []
    for kind in kinds:
        path = subject.folder / f"labels-{kind}.h5"
        write_check_store(path, labels=kind)
        clusters.append(subject.fitted(path).predict(images()))
    for kind, found in zip(kinds[1:], clusters[1:], strict=True):
        require(torch.equal(clusters[0], found), f"the clusters differ with labels {kind!r}")


def no_label_in_reach(subject: Subject) -> None:
    """Check that `fit` cannot reach any label through the objects it has references to."""
    path = subject.store()
    arrays, method = Store(path).arrays(labels=True), subject.make()
    train = subject.train_images(method, path, arrays)
    for leak in leaks(method, train, arrays=arrays, path=path):
        require(False, f"a label can be read through {leak}")


def same_seed_same_clusters(subject: Subject) -> None:
    """Check that a second fit with the same seed gives identical results."""
    first = subject.fitted()
    clusters = first.predict(images())
    torch.manual_seed(999)
    np.random.default_rng(5).random()
    again = subject.fitted()
    require(state_digest(first.state()) == state_digest(again.state()), "a second fit ends in another state")
    require(torch.equal(clusters, again.predict(images())), "a second fit gives other clusters")


def state_from_disk(subject: Subject) -> None:
    """Check that `predict` needs only `state`, written to disk and read back without pickle."""
    method, buffer = subject.fitted(), io.BytesIO()
    torch.save(method.state(), buffer)
    buffer.seek(0)
    other = subject.make(seed=1)
    other.load_state(torch.load(buffer, weights_only=True))
    require(torch.equal(method.predict(images()), other.predict(images())), "its predictions differ")


def resumed_fit(subject: Subject) -> str | None:
    """Check that a fit resumed from its state ends in the same state as an uninterrupted one, bit by bit."""
    if not subject.cls.is_iterative:
        return "it is not trained in steps, so an interrupted fit is repeated"
    whole, begun = subject.fitted(), subject.make()
    next(iter(begun.fit(subject.train_images(begun))))
    # Neither predictions in between nor other uses of the global generator may change the fit.
    begun.before_evaluation(subject.train_images(begun))
    begun.predict(images())
    torch.manual_seed(12345)
    resumed = subject.make()
    resumed.load_state(begun.state())
    subject.finish(resumed)
    require(state_digest(resumed.state()) == state_digest(whole.state()), "it ends in another state")
    return None


def alone_as_in_a_batch(subject: Subject) -> None:
    """Check that the clusters of an image do not depend on the other images of its batch."""
    method = subject.fitted()
    alone = torch.cat([method.predict(image[None]) for image in images()])
    share = float((alone == method.predict(images())).double().mean())
    require(share > SAME_SHARE, f"{100 * (1 - share):.1f} % of the pixels change with the batch")


def steps_in_order(subject: Subject) -> None:
    """Check that `fit` yields the steps 1 to the budget."""
    method = subject.make()
    steps = [progress.step for progress in method.fit(subject.train_images(method))]
    require(steps == sorted(set(steps)), f"fit yields the steps {steps[:10]}")
    if subject.cls.is_iterative:
        require(steps == list(range(1, STEPS + 1)), f"fit yields the steps {steps[:10]} of {STEPS}")


CHECKS = (
    Check(title="name, title and citation are given", remedy="set them in the class", test=named),
    Check(
        title="every parameter has a description and the source of its default",
        remedy='declare it with parameter(default, "description", source="source of the default")',
        test=described,
    ),
    Check(
        title="defaults and presets are valid, and unknown parameters are refused",
        remedy="use names and values in presets that parameters_type accepts",
        test=resolvable,
    ),
    Check(
        title="pre-trained weights are named with their training data",
        remedy='let pretrained return "NAME, trained on WHAT", or None if training is from scratch',
        test=pretraining,
    ),
    Check(
        title="predicted clusters have the size of the images and are in [0, K)",
        remedy="let predict return int64 `batch height width` with values in [0, self.task.clusters)",
        test=clusters_in_range,
    ),
    Check(
        title="the highest score is that of the predicted cluster",
        remedy="return finite `batch cluster height width` from `scores`, and do not override `predict` too",
        test=scores_give_the_clusters,
    ),
    Check(
        title="images with four channels work as well as images with three",
        remedy="build the network for self.task.channels channels",
        test=four_bands,
    ),
    Check(
        title="the fit does not depend on labels",
        remedy="use only the batches of `train`",
        test=labels_have_no_part,
    ),
    Check(
        title="the fit cannot reach any label",
        remedy="do not keep a store, file or array of labels in the method",
        test=no_label_in_reach,
    ),
    Check(
        title="the same seed gives the same clusters",
        remedy="draw from self.run.generator(...) only, never from a global generator",
        test=same_seed_same_clusters,
    ),
    Check(
        title="a method restored from its state predicts the same clusters",
        remedy="let `state` return all that predict uses, as tensors and plain values, for load_state",
        test=state_from_disk,
    ),
    Check(
        title="a fit resumed from its state ends in the same state as an uninterrupted one",
        remedy="put optimiser and step into `state`; draw step s from self.run.generator(..., s)",
        test=resumed_fit,
    ),
    Check(
        title="the prediction of an image does not depend on its batch",
        remedy="predict in evaluation mode: NetworkMethod's `inference()` does",
        test=alone_as_in_a_batch,
    ),
    Check(
        title="fit yields every step in order, up to the budget",
        remedy="yield Progress(step=...) once per step, 1 to self.run.steps",
        test=steps_in_order,
    ),
    Check(
        title="mixed precision gives nearly the same loss, in float32",
        remedy="convert outputs with .float() before softmax, logarithms and means",
        test=mixed_precision,
    ),
    Check(
        title="a training step does not synchronise with the device",
        remedy="keep values on the device: do not use .item(), float(tensor), boolean indexing or nonzero",
        test=never_waits,
    ),
)
"""All checks, the fastest first."""


def check_method(cls: type[Method], parameters: Mapping[str, Any]) -> Iterator[Outcome]:
    """Yield the outcomes of all checks of a method; the files they need are temporary.

    Args:
        cls: the method
        parameters: parameters other than the defaults, such as those of a small network

    Raises:
        UsageError: an unknown parameter, or an invalid value
    """
    cls.check_given(cls.resolve("any", parameters))
    with tempfile.TemporaryDirectory(prefix="infoseg-bench-check-") as folder:
        yield from do_checks(Subject(cls=cls, folder=Path(folder), settings=parameters), CHECKS)

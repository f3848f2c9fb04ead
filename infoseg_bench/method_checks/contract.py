"""The contract of a method, check by check."""

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
from infoseg_bench.method_checks.declared import described, named, resolvable
from infoseg_bench.method_checks.leaks import leaks
from infoseg_bench.method_checks.subject import STEPS, Subject, images, state_digest

SAME_SHARE = 0.999
"""Pixels that must not depend on the batch; the rest may be ties that rounding decides; chosen by this
project."""


def clusters_in_range(subject: Subject) -> None:
    """Check size, type and values of what `predict` gives."""
    clusters = subject.fitted().predict(images())
    require(
        clusters.shape == (3, CROP, CROP), f"predict gives {tuple(clusters.shape)} for three {CROP}x{CROP}"
    )
    require(clusters.dtype == torch.int64, f"predict gives {clusters.dtype}, not torch.int64")
    low, high = int(clusters.min()), int(clusters.max())
    require(0 <= low <= high < CLASSES, f"clusters of {low} to {high}, with K = {CLASSES}")


def four_bands(subject: Subject) -> None:
    """Check that images of red, green, blue and infrared do as well."""
    method = subject.fitted(channels=4)
    require(method.predict(images(4)).shape == (3, CROP, CROP), "predict gives another size")


def labels_have_no_part(subject: Subject) -> None:
    """Check that the same photos with other labels, and without any, give the same clusters to the bit."""
    kinds: tuple[Labels, ...] = ("own", "others", "none")
    clusters = []
    for kind in kinds:
        path = subject.folder / f"labels-{kind}.h5"
        write_check_store(path, labels=kind)
        clusters.append(subject.fitted(path).predict(images()))
    for kind, found in zip(kinds[1:], clusters[1:], strict=True):
        require(torch.equal(clusters[0], found), f"other clusters with labels {kind!r}")


def no_label_in_reach(subject: Subject) -> None:
    """Check all that a fit can refer to."""
    path = subject.store()
    arrays, method = Store(path).arrays(labels=True), subject.make()
    train = subject.train_images(method, path, arrays)
    for leak in leaks(method, train, arrays=arrays, path=path):
        require(False, f"a label can be read through {leak}")


def same_seed_same_clusters(subject: Subject) -> None:
    """Check that nothing but the seed decides."""
    first = subject.fitted()
    clusters = first.predict(images())
    torch.manual_seed(999)
    np.random.default_rng(5).random()
    again = subject.fitted()
    require(state_digest(first.state()) == state_digest(again.state()), "the second fit ends otherwise")
    require(torch.equal(clusters, again.predict(images())), "the second fit gives other clusters")


def state_from_disk(subject: Subject) -> None:
    """Check that `state`, written and read without pickle, is all that `predict` needs."""
    method, buffer = subject.fitted(), io.BytesIO()
    torch.save(method.state(), buffer)
    buffer.seek(0)
    other = subject.make(seed=1)
    other.load_state(torch.load(buffer, weights_only=True))
    require(torch.equal(method.predict(images()), other.predict(images())), "it predicts something else")


def resumed_fit(subject: Subject) -> str | None:
    """Check that a fit taken up from its state ends as an undisturbed one, to the bit."""
    if not subject.cls.is_iterative:
        return "fits in one pass, which is repeated instead"
    whole, begun = subject.fitted(), subject.make()
    next(iter(begun.fit(subject.train_images(begun))))
    # Predicting in between must not change what follows, nor must other uses of the generator.
    begun.before_evaluation(subject.train_images(begun))
    begun.predict(images())
    torch.manual_seed(12345)
    resumed = subject.make()
    resumed.load_state(begun.state())
    subject.finish(resumed)
    require(state_digest(resumed.state()) == state_digest(whole.state()), "it ends in another state")
    return None


def alone_as_in_a_batch(subject: Subject) -> None:
    """Check that an image's clusters do not depend on the others."""
    method = subject.fitted()
    alone = torch.cat([method.predict(image[None]) for image in images()])
    share = float((alone == method.predict(images())).double().mean())
    require(share > SAME_SHARE, f"{100 * (1 - share):.1f} % of the pixels change with the batch")


def steps_in_order(subject: Subject) -> None:
    """Check the steps that `fit` yields."""
    method = subject.make()
    steps = [progress.step for progress in method.fit(subject.train_images(method))]
    require(steps == sorted(set(steps)), f"fit yields the steps {steps[:10]}")
    if subject.cls.is_iterative:
        require(steps == list(range(1, STEPS + 1)), f"fit yields the steps {steps[:10]} of {STEPS}")


CHECKS = (
    Check(title="name, title and citation are there", remedy="set them in the class", test=named),
    Check(
        title="every parameter says what it does and where its default comes from",
        remedy='declare it with parameter(default, "what it does", source="where from")',
        test=described,
    ),
    Check(
        title="defaults and presets are valid, and unknown parameters are refused",
        remedy="give presets names and values that parameters_type takes",
        test=resolvable,
    ),
    Check(
        title="clusters have the images' size and stay below K",
        remedy="let predict give int64 `batch height width` with values in [0, self.task.clusters)",
        test=clusters_in_range,
    ),
    Check(
        title="four bands are taken as well as three",
        remedy="build for self.task.channels bands",
        test=four_bands,
    ),
    Check(
        title="labels have no part in a fit",
        remedy="learn from the batches of `train` alone",
        test=labels_have_no_part,
    ),
    Check(
        title="nothing that a fit can reach leads to a label",
        remedy="keep no store, file or array of labels in the method",
        test=no_label_in_reach,
    ),
    Check(
        title="the same seed gives the same clusters, whatever happened before",
        remedy="draw from self.run.generator(...) only, never from a global generator",
        test=same_seed_same_clusters,
    ),
    Check(
        title="a state read back from disk predicts the same",
        remedy="give all that predict uses in `state`, as tensors and plain values; take it in load_state",
        test=state_from_disk,
    ),
    Check(
        title="a fit taken up from its state ends as an undisturbed one",
        remedy="put optimiser and step into `state`; draw step s from self.run.generator(..., s)",
        test=resumed_fit,
    ),
    Check(
        title="the prediction of an image does not depend on its batch",
        remedy="predict in evaluation mode: NetworkMethod's `inference()` does",
        test=alone_as_in_a_batch,
    ),
    Check(
        title="progress names the steps in order and ends at the budget",
        remedy="yield Progress(step=...) once per step, 1 to self.run.steps",
        test=steps_in_order,
    ),
    Check(
        title="mixed precision gives nearly the same loss, in float32",
        remedy="take outputs to float32 with .float() before softmax, logarithms and means",
        test=mixed_precision,
    ),
    Check(
        title="a training step never waits for the device",
        remedy="keep values on the device: no .item(), float(tensor), boolean indexing or nonzero",
        test=never_waits,
    ),
)
"""The contract, the quickest checks first."""


def check_method(cls: type[Method], parameters: Mapping[str, Any]) -> Iterator[Outcome]:
    """Do every check of a method, in a folder that is removed afterwards.

    Args:
        cls: the method
        parameters: parameters that make it quick

    Raises:
        UsageError: a wrong parameter
    """
    cls.resolve("any", parameters)
    with tempfile.TemporaryDirectory(prefix="infoseg-bench-check-") as folder:
        yield from do_checks(Subject(cls=cls, folder=Path(folder), settings=parameters), CHECKS)

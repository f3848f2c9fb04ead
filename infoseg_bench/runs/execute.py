"""The main loop of a run: fit a method, and log, evaluate and checkpoint it meanwhile."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np

from infoseg_bench.contracts import Method, Progress
from infoseg_bench.data.evaluation_set import EvaluationSet
from infoseg_bench.data.train_images import TrainImages
from infoseg_bench.errors import UserError
from infoseg_bench.records.curve import Curve, Diverged
from infoseg_bench.records.evaluation import pixel_accuracy
from infoseg_bench.records.folder import RunFolder
from infoseg_bench.records.segments import cluster_sizes
from infoseg_bench.records.spec import Budget, Postprocess
from infoseg_bench.runs.checkpoint import TrainingState
from infoseg_bench.runs.checkpoint_writer import CheckpointWriter
from infoseg_bench.runs.diagnostics import Sample, remember
from infoseg_bench.runs.prediction import Interrupted, count, predictor, segment
from infoseg_bench.runs.snapshots import Snapshots
from infoseg_bench.runs.step_log import StepLog

LOG = logging.getLogger(__name__)
CHECKPOINT_SECONDS = 60.0
"""Time between two checkpoints, and so the maximum work lost if the run is killed; chosen by this project."""
STATUS_SECONDS = 0.5
"""Time between two updates of the status that the launcher shows; chosen by this project."""
CURVE_POINTS = 200
"""Minimum number of logged steps of a run; chosen by this project."""


@dataclass(kw_only=True)
class Execution:
    """A run, ready to execute.

    Attributes:
        folder: the run's folder, to which all results are written
        budget: None for a method that is not trained in steps
        method: the method, with its state restored if there is a checkpoint
        train: the training images, without labels
        evaluation_set: the images to score, which the method cannot access
        n_classes: number of classes; None for a data set without labels
        training: the harness's state of the run
        should_stop: returns True when the run should write a checkpoint and stop
        snapshots: number of images whose predictions are kept at every evaluation
        postprocess: post-processing of the method's scores at every evaluation
    """

    folder: RunFolder
    budget: Budget | None
    method: Method
    train: TrainImages
    evaluation_set: EvaluationSet
    n_classes: int | None
    training: TrainingState
    should_stop: Callable[[], bool]
    snapshots: int = 0
    postprocess: Postprocess = "none"

    def run(self) -> np.ndarray:
        """Fit and evaluate the method.

        Returns:
            counts of the last state, int64 `image cluster cls`; for a data set without labels, its cluster
            maps, uint8 `image height width`

        Raises:
            Interrupted: `should_stop` returned True; the checkpoint contains all work so far
            UserError: the training has diverged, or the disk is full
        """
        training = self.training
        if training.step:
            LOG.info("Resumed at step %d", training.step)
        # The last step is evaluated again if the run was killed before its record was written.
        evaluated = min(training.evaluated_step, self.budget.steps - 1) if self.budget else -1
        self._curve = Curve(self.folder.curve_file, resume_at=training.step, evaluated=evaluated)
        self._log = StepLog(self._curve)
        self._writer = CheckpointWriter(self.folder, step=training.step or None)
        self._last_status, self._last_checkpoint = 0.0, time.monotonic()
        self._begun = (self._last_checkpoint, training.step, training.fit_seconds)
        self._accuracy: float | None = None
        self._predictor = predictor(self.method, self.postprocess)
        self._sample = Sample(self.evaluation_set)
        self._snapshots = (
            Snapshots(self.folder, self.evaluation_set, self.snapshots) if self.snapshots else None
        )
        try:
            return self._fit_and_evaluate()
        except Diverged as error:
            self._writer.close()
            raise UserError(f"{error}: the run has diverged; {self._last_good()}; try a lower lr") from None
        finally:
            # After this the folder's lock is released, and nothing may be written.
            self._writer.close()

    def _fit_and_evaluate(self) -> np.ndarray:
        if self.budget:
            self._evaluate_if_due(self.budget)
        self._fit()
        self._log.settle()
        counts = self._evaluate(self.training.step)
        self._checkpoint()
        self._writer.wait()
        return counts

    def _last_good(self) -> str:
        if self._writer.step is None:
            return "there is no earlier checkpoint"
        return f"the last good checkpoint, of step {self._writer.step}, is kept"

    def _fit(self) -> None:
        crops = self.training.crops
        began = time.monotonic()
        for progress in self.method.fit(self.train):
            self.training.step = progress.step
            self.training.crops = crops + self.train.taken
            self.training.fit_seconds += time.monotonic() - began
            self._observe(progress)
            began = time.monotonic()
        self.training.crops = crops + self.train.taken
        self.training.fit_seconds += time.monotonic() - began

    def _observe(self, progress: Progress) -> None:
        step, budget = progress.step, self.budget
        if budget is None:
            if self.should_stop():
                raise Interrupted
            self._write_status(step, None)
            return
        stopping = self.method.run.ranks.any(self.should_stop())
        saving = stopping or time.monotonic() - self._last_checkpoint > CHECKPOINT_SECONDS
        logged = step % max(1, budget.steps // CURVE_POINTS) == 0 or step % budget.evaluate_every == 0
        self._writer.check()
        self._log.see(step, progress.scalars)
        if logged:
            self._log.keep(step, progress.scalars)
            self._write_status(step, budget.steps)
        if saving:
            # Do not save the weights of a diverged run.
            self._log.settle()
        if stopping and step < budget.steps:
            self._interrupt()
        self._evaluate_if_due(budget)
        if saving:
            self._checkpoint()

    def _checkpoint(self) -> None:
        self._writer.save(self.training, self.method.state())
        LOG.info("Step %d: saving a checkpoint", self.training.step)
        self._last_checkpoint = time.monotonic()

    def _interrupt(self) -> NoReturn:
        self._checkpoint()
        self._writer.wait()
        raise Interrupted

    def _evaluate_if_due(self, budget: Budget) -> None:
        # If a run was stopped just before this evaluation, it is done when the run is resumed.
        step = self.training.step
        due = step % budget.evaluate_every == 0 and step < budget.steps
        if due and self.training.evaluated_step != step:
            self._log.settle()
            self._evaluate(step)

    def _evaluate(self, step: int) -> np.ndarray:
        began = time.monotonic()
        self._settle()
        try:
            found = self._predict()
        except Interrupted:
            if step > 0:
                self._interrupt()
            raise
        diagnosis = self._sample.diagnose(self.method, self.training)
        # Outputs can be infinite while loss and weights are still finite.
        if bad := [f"{name} is {x}" for name, x in diagnosis.figures.items() if not math.isfinite(x)]:
            raise Diverged(f"the outputs are not finite after step {step} ({', '.join(bad)})")
        if self._snapshots:
            self._snapshots.take(self._predictor, step)
        remember(self.training, diagnosis, steps=self.budget.steps if self.budget else None)
        self.training.evaluated_step = step
        self.training.evaluate_seconds += time.monotonic() - began
        if self.n_classes is None:
            sizes = cluster_sizes(found, clusters=self.method.task.clusters, step=step)
            self._curve.add(step, {"cluster_entropy": sizes.entropy, **diagnosis.figures})
        else:
            self._score(step, found, diagnosis.figures)
        return found

    def _predict(self) -> np.ndarray:
        predict, images, classes = self._predictor, self.evaluation_set, self.n_classes
        if classes is None:
            return segment(predict, images, should_stop=self.should_stop)
        clusters = self.method.task.clusters
        return count(predict, images, n_clusters=clusters, n_classes=classes, should_stop=self.should_stop)

    def _score(self, step: int, counts: np.ndarray, figures: Mapping[str, float]) -> None:
        accuracy = self._accuracy = pixel_accuracy(counts)
        LOG.info("Step %d: PA %.4f", step, accuracy)
        self._curve.add(step, {"pixel_accuracy": accuracy, **figures})
        training = self.training
        # Step 0, the untrained network, is only plotted: it is not a result of the method.
        if (step > 0 or self.budget is None) and accuracy > training.best_accuracy:
            training.best_step, training.best_accuracy, training.best_counts = step, accuracy, counts
        name = self.method.selected_by
        if step > 0 and name is not None and figures[name] > training.selected_value:
            training.selected_step, training.selected_value = step, figures[name]
            training.selected_counts = counts

    def _settle(self) -> None:
        # Crops used here do not count as training crops.
        taken = self.train.taken
        self.method.before_evaluation(self.train)
        self.train.taken = taken

    def _write_status(self, step: int, steps: int | None) -> None:
        now = time.monotonic()
        if now - self._last_status < STATUS_SECONDS:
            return
        self._last_status = now
        self.folder.write_status(**self.progress, state="running", steps=steps, **self._pace(step, steps))

    @property
    def progress(self) -> dict[str, Any]:
        """The run's step, latest PA, latest logged values and diagnostics, by name."""
        training = self.training
        return {
            **self._log.latest,
            "step": training.step,
            "pixel_accuracy": self._accuracy,
            "diagnostics": training.diagnostics,
        }

    def _pace(self, step: int, steps: int | None) -> dict[str, float | None]:
        """Return training steps per second, and the seconds left including evaluations, from this session."""
        began, at, fitted = self._begun
        done = step - at
        if done <= 0 or steps is None:
            return {}
        fit = self.training.fit_seconds - fitted
        left = (time.monotonic() - began) / done * (steps - step)
        return {"steps_per_second": done / fit if fit > 0 else None, "seconds_left": left}

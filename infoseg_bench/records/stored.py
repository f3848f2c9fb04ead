"""Base class of stored runs: a run's folder, or a run in a pack."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from infoseg_bench.errors import UserError, reason
from infoseg_bench.records.counts_file import Counts, parse_best_images, parse_counts
from infoseg_bench.records.curve import parse_curve
from infoseg_bench.records.record import FinishedRecord, Record, UnscoredRecord, parse_record
from infoseg_bench.records.segments import Segments, parse_segments
from infoseg_bench.records.spec import RunSpec


class RunFile:
    """The path of a file of a run, made when it is asked for: a report lists thousands of runs."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, run: StoredRun, owner: type[StoredRun]) -> Path:
        """Return the path."""
        return run.path / self._name


class StoredRun(ABC):
    """One run: its spec, record, counts or segments, and curve.

    Attributes:
        path: the run's folder, or its place in a pack; the last part is the name of the run
        spec_file: specification of the run
        record_file: record of the run
        counts_file: counts from which its scores are computed
        segments_file: cluster maps of a run without labels
        curve_file: loss and PA over the steps
        film_file: animation of the predictions of a few images, not in packs
    """

    spec_file = RunFile("spec.json")
    record_file = RunFile("record.json")
    counts_file = RunFile("counts.npz")
    segments_file = RunFile("segments.npz")
    curve_file = RunFile("curve.jsonl")
    film_file = RunFile("snapshots.gif")

    def __init__(self, path: Path) -> None:
        self.path = path

    @abstractmethod
    def content(self, file: Path) -> bytes | None:
        """Return the content of one of these files; None if there is no such file.

        Raises:
            UserError: it cannot be read
        """

    def spec(self) -> RunSpec:
        """Read the spec; if its file is absent, from the record, which repeats it.

        Raises:
            UserError: absent or damaged
        """
        content = self.content(self.spec_file)
        if content is None and (record := self.record()) is not None:
            return record.spec
        try:
            return RunSpec.model_validate_json(content or b"")
        except ValidationError as error:
            problem = "no such file" if content is None else reason(error)
            only = self.content(self.record_file) is None
            remedy = f"the folder {self.path}" if only else "the file, which the record repeats"
            raise UserError(f"{self.spec_file}: not a run's spec ({problem}): remove {remedy}") from None

    def record(self) -> Record | None:
        """Read the record; None if there is none yet.

        Raises:
            UserError: damaged, or of a newer version
        """
        content = self.content(self.record_file)
        return None if content is None else parse_record(content, self.record_file)

    def finished_record(self) -> FinishedRecord | None:
        """Read the record of a finished and scored run; None if there is none.

        Raises:
            UserError: damaged, or of a newer version
        """
        record = self.record()
        return record if isinstance(record, FinishedRecord) else None

    def completed_record(self) -> FinishedRecord | UnscoredRecord | None:
        """Read the record of a finished run, scored or not; None if the run is not finished.

        Raises:
            UserError: damaged, or of a newer version
        """
        record = self.record()
        return record if isinstance(record, FinishedRecord | UnscoredRecord) else None

    def counts(self) -> Counts:
        """Read the counts.

        Raises:
            UserError: absent or damaged
        """
        return parse_counts(self.content(self.counts_file), self.counts_file)

    def best_images(self) -> np.ndarray:
        """Read the counts per image at the step of highest PA, `image cluster cls`, without checks.

        Raises:
            UserError: absent or damaged
        """
        return parse_best_images(self.content(self.counts_file), self.counts_file)

    def segments(self) -> Segments:
        """Read the cluster maps of a run without labels.

        Raises:
            UserError: absent or damaged
        """
        return parse_segments(self.content(self.segments_file), self.segments_file)

    def curve(self) -> list[dict[str, Any]]:
        """Read the lines of the curve. Damaged lines are skipped, and a missing file has no lines.

        Raises:
            UserError: the file cannot be read
        """
        return parse_curve((self.content(self.curve_file) or b"").decode(errors="replace"))

"""Checks that all records of the same data count the same number of pixels of every class in every image."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from jaxtyping import Int64

from infoseg_bench.data.catalogue import PreparedDataset, prepared_datasets
from infoseg_bench.errors import UserError
from infoseg_bench.records.counts_file import Counts
from infoseg_bench.records.record import FinishedRecord

Truth = tuple[list[str], Int64[np.ndarray, "image cls"], str]


class LabelCounts:
    """Pixels by image and class, from prepared stores, or else from the first record of the same data."""

    def __init__(self, data: Path | None) -> None:
        """Find the stores below `data` and check their content against their fingerprints.

        Attributes:
            problems: a line for every store that has changed since it was written
        """
        self._known: dict[tuple[str, str, str], Truth] = {}
        self._prepared: dict[str, PreparedDataset] = {}
        self.problems: list[str] = []
        if data is None:
            return
        self._prepared, self.problems = prepared_datasets(data)
        for store in {prepared.store.path: prepared.store for prepared in self._prepared.values()}.values():
            try:
                store.verify()
            except UserError as error:
                self.problems.append(str(error))

    def check(self, record: FinishedRecord, counts: Counts, file: Path) -> None:
        """Compare a record's counts with the labels.

        Raises:
            UserError: the images differ, or the number of pixels of a class in one
        """
        spec = record.spec
        key = (spec.dataset, spec.fingerprint, spec.protocol)
        ids, pixels = list(counts.ids), counts.last_images.sum(axis=1)
        if key not in self._known:
            self._known[key] = self._of_store(key) or (ids, pixels, str(file))
        known_ids, known, source = self._known[key]
        if ids != known_ids:
            raise UserError(f"{file}: its images differ from those in {source}")
        if known.shape != pixels.shape or (known != pixels).any():
            raise UserError(
                f"{file}: its pixels per class differ from those in {source}, which has the same data"
            )

    def _of_store(self, key: tuple[str, str, str]) -> Truth | None:
        dataset, fingerprint, protocol = key
        prepared = self._prepared.get(dataset)
        if prepared is None or prepared.store.fingerprint != fingerprint:
            return None
        # PyTorch takes seconds to import: only for this.
        import torch

        from infoseg_bench.data.evaluation_set import EvaluationSet

        view, ids = prepared.view, prepared.store.ids()
        images = EvaluationSet(
            prepared.store.arrays(labels=True), view, protocol=protocol, device=torch.device("cpu")
        )
        rows = [
            np.bincount(labels.numpy().ravel(), minlength=256)[: len(view.classes)]
            for _, labels in images.batches(1)
        ]
        return [ids[photo] for photo in view.evaluation], np.stack(rows), str(prepared.store.path)

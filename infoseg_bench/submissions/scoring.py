"""Writes run folders for label maps of other software, so that they appear on leaderboards."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import numpy as np
import torch

from infoseg_bench.data.catalogue import PreparedDataset
from infoseg_bench.errors import UsageError, UserError
from infoseg_bench.records.counts_file import dataset_facts, warnings_of, write_counts
from infoseg_bench.records.evaluation import evaluation
from infoseg_bench.records.folder import RunFolder
from infoseg_bench.records.provenance import collect, now
from infoseg_bench.records.record import NOT_DECLARED, FinishedRecord, contradict
from infoseg_bench.records.spec import EXTRA_CLUSTERS, RunSpec
from infoseg_bench.submissions.counting import Counted, ExtraClusters
from infoseg_bench.submissions.naming import check_name, check_pretrained, method_name
from infoseg_bench.utils.atomic import write_text

LABEL_USE: dict[str | None, str | None] = {
    None: NOT_DECLARED,
    "none": None,
    "mask": "mask (as declared)",
    "selection": "selection (as declared)",
    "training": "training (as declared)",
}
"""How `--labels-used` is shown on leaderboards."""


@dataclass(frozen=True, kw_only=True)
class ExternalRow:
    """What the user declares about label maps.

    Attributes:
        name: name of the method, as shown
        seed: number of the repetition; repetitions of one name are averaged
        labels_used: key of `LABEL_USE`
        pretrained: weights that the method started from, as "NAME, trained on WHAT"; None: from scratch
        extra_clusters: "published": pixels of extra clusters are dropped; "corrected": they are wrong
    """

    name: str
    seed: int
    labels_used: str | None
    pretrained: str | None = None
    extra_clusters: ExtraClusters = "corrected"

    def __post_init__(self) -> None:
        """Check what is declared.

        Raises:
            UsageError: a value is not one of those
        """
        if self.labels_used not in LABEL_USE:
            known = ", ".join(name for name in LABEL_USE if name)
            raise UsageError(f"--labels-used {self.labels_used!r}: use one of {known}")
        if self.extra_clusters not in get_args(ExtraClusters):
            known = " or ".join(get_args(ExtraClusters))
            raise UsageError(f"--extra-clusters {self.extra_clusters!r}: use {known}")
        if self.pretrained is not None:
            check_pretrained(self.pretrained)

    def spec(self, prepared: PreparedDataset, protocol: str) -> RunSpec:
        """Return the spec of the row.

        Raises:
            UsageError: the name is not valid
        """
        name = check_name(self.name)
        return RunSpec(
            dataset=prepared.view.name,
            fingerprint=prepared.store.fingerprint,
            protocol=protocol,
            method=method_name(name),
            method_version=1,
            parameters={"name": name, **self._switches()},
            budget=None,
            seed=self.seed,
        )

    def _switches(self) -> dict[str, str]:
        """Return a switch that is on; left out if it is not, so that older rows keep their identities."""
        return {EXTRA_CLUSTERS: self.extra_clusters} if self.extra_clusters == "published" else {}


def external_record(
    row: ExternalRow, folder: RunFolder, prepared: PreparedDataset, counted: Counted, spec: RunSpec
) -> FinishedRecord:
    """Return the record for counts already written to `folder`; its last and best scores are the same."""
    counts = counted.counts
    return FinishedRecord(
        identity=spec.identity,
        row=spec.row,
        spec=spec,
        method_title=f"{spec.parameters['name']} (external)",
        label_use=LABEL_USE[row.labels_used],
        pretrained=row.pretrained,
        dataset=dataset_facts(prepared, counts),
        last=evaluation(counted.scored, step=0, selection="last"),
        best=evaluation(counted.scored, step=0, selection="best (chosen with labels)"),
        costs=None,
        provenance=collect(torch.device("cpu"), started=now(), resumed_from=[]),
        checksums={folder.counts_file.name: folder.counts_sha256()},
        warnings=[*warnings_of(counts), *counted.warnings],
    )


def write_row(
    row: ExternalRow,
    results: Path,
    prepared: PreparedDataset,
    counted: Counted,
    *,
    protocol: str,
    force: bool,
) -> FinishedRecord:
    """Write spec, counts and record below `results`.

    Args:
        row: name, seed and declarations of the external method
        results: the results folder
        prepared: the data set that was scored
        counted: pixels per image, cluster and class, with the images' ids
        protocol: the protocol that was scored
        force: replace the results of other label maps

    Raises:
        UserError: other label maps were scored under this name and seed, and `force` is not set; or other
            seeds of this name have other declarations
    """
    spec = row.spec(prepared, protocol)
    folder = RunFolder.of(results, spec)
    _refuse_other_declarations(row, results, spec)
    with folder.lock():
        if folder.record_file.exists() and not force and not _same(folder, counted.counts):
            raise UserError(
                f"{folder.path}: other label maps are scored under --name {row.name!r} --seed {row.seed}: "
                "choose another name or seed, or replace them with --force"
            )
        folder.clear_results()
        folder.create(spec)
        write_counts(folder.counts_file, last=counted.counts, best=counted.counts, ids=counted.ids)
        record = external_record(row, folder, prepared, counted, spec)
        write_text(folder.record_file, record.model_dump_json(indent=2) + "\n")
    return record


def _refuse_other_declarations(row: ExternalRow, results: Path, spec: RunSpec) -> None:
    """Refuse a repetition that is declared otherwise than the others: they are averaged in one row."""
    for path in sorted((results / "runs").glob(f"{spec.dataset}--{spec.method}--seed*")):
        other = _record(RunFolder(path))
        if other is None or other.row != spec.row or other.identity == spec.identity:
            continue
        if contradict((other.label_use, other.pretrained), (LABEL_USE[row.labels_used], row.pretrained)):
            uses = f"labels: {other.label_use or 'none'}; pre-trained: {other.pretrained or 'no'}"
            raise UserError(
                f"{path}: seed {other.spec.seed} of --name {row.name!r} is declared otherwise ({uses}): "
                "declare all seeds alike, or use another name"
            )


def _record(folder: RunFolder) -> FinishedRecord | None:
    with suppress(UserError):
        return folder.finished_record()
    return None


def _same(folder: RunFolder, counts: np.ndarray) -> bool:
    return np.array_equal(_occurring(folder.counts().last_images), _occurring(counts))


def _occurring(counts: np.ndarray) -> np.ndarray:
    return counts[:, counts.any(axis=(0, 2))]

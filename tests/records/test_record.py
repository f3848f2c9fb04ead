"""Records of every kind through the one reading function."""

import json
from pathlib import Path

import pytest
import torch

from infoseg_bench.errors import UserError
from infoseg_bench.records.folder import RunFolder
from infoseg_bench.records.provenance import collect, now
from infoseg_bench.records.record import FailedRecord, FinishedRecord, read_record
from tests.reporting.runs import add_run, counts_with, edit_record

KEYS = (
    *("schema_version", "identity", "row", "spec", "method_title", "label_use", "status", "dataset", "last"),
    *("best", "costs", "provenance", "checksums", "error", "warnings"),
)
"""The keys of every record.json so far, in their order."""


@pytest.fixture
def finished(tmp_path: Path) -> RunFolder:
    return add_run(tmp_path, last=counts_with(correct=90))


def test_the_file_of_a_finished_run_has_the_keys_that_it_always_had(finished: RunFolder) -> None:
    text = finished.record_file.read_text()
    assert tuple(json.loads(text)) == KEYS
    record = read_record(finished.record_file)
    assert isinstance(record, FinishedRecord)
    assert record.pixel_accuracy == record.last.one_to_one.pixel_accuracy == 0.9
    assert record.model_dump_json(indent=2) == text


def test_label_free_figures_and_a_selected_state_are_read_back(finished: RunFolder) -> None:
    record = read_record(finished.record_file)
    assert isinstance(record, FinishedRecord)
    selected = record.last.model_copy(update={"selection": "stability"})
    richer = record.model_copy(update={"diagnostics": {"self_agreement": 0.5}, "selected": selected})
    finished.record_file.write_text(richer.model_dump_json())
    assert read_record(finished.record_file) == richer


def test_a_failed_run_keeps_its_file_too_and_has_no_scores(finished: RunFolder) -> None:
    spec = finished.spec()
    failed = FailedRecord(
        identity=spec.identity,
        row=spec.row,
        spec=spec,
        method_title="InfoSeg",
        provenance=collect(torch.device("cpu"), started=now(), resumed_from=[]),
        error="Traceback",
    )
    finished.record_file.write_text(failed.model_dump_json())
    content = json.loads(finished.record_file.read_text())
    assert tuple(content) == KEYS
    assert {key for key, value in content.items() if value is None} == {
        "label_use", "dataset", "last", "best", "costs"
    }  # fmt: skip
    assert read_record(finished.record_file) == failed
    assert finished.finished_record() is None
    assert finished.state() == "failed"


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("last", None, "finished.last"),
        ("costs", None, "without its costs"),
        ("status", "paused", "paused"),
        ("schema_version", 2, "newer than 1.*upgrade"),
    ],
)
def test_a_record_that_is_not_whole_is_refused_with_its_file(
    finished: RunFolder, key: str, value: object, message: str
) -> None:
    edit_record(finished, lambda record: record.update({key: value}))
    with pytest.raises(UserError, match=message) as refused:
        read_record(finished.record_file)
    assert str(finished.record_file) in str(refused.value)

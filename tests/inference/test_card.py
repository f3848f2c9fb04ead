from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from infoseg_bench.inference.card import model_card, of_the_last_step
from infoseg_bench.records.record import FinishedRecord
from tests.reporting.runs import add_run, counts_with


@pytest.mark.parametrize("selects", [True, False])
def test_a_card_says_that_the_weights_are_not_those_of_a_selected_step(tmp_path: Path, selects: bool) -> None:
    selected = counts_with(80) if selects else None
    record = add_run(tmp_path, last=counts_with(70), selected=selected).completed_record()
    assert isinstance(record, FinishedRecord)
    words: dict[str, Any] = {"file": "a.safetensors", "data_licence": "mine", "licence": "mine"}
    card = model_card(record, weights=3, **words)
    assert 'load_model("a.safetensors")' in card
    assert 'load_model("a.safetensors", plugins=["the file that' in model_card(
        record, weights=3, plugin=True, **words
    )
    said = (
        "the weights are those of the last step, 100 (PA 70.0); none are kept of step 20, which information"
    )
    assert (said in card) == selects
    assert of_the_last_step(record).startswith("the weights") == selects

"""Engines look and try again sooner than users need."""

import pytest

from infoseg_bench.launchers import queue
from infoseg_bench.launchers.engine import BaseEngine


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "RETRY_SECONDS", 0.1)
    monkeypatch.setattr(queue, "ELSEWHERE_SECONDS", 0.2)
    monkeypatch.setattr(BaseEngine, "poll_seconds", 0.1)

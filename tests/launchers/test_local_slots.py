from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest
import torch

from infoseg_bench.errors import UserError
from infoseg_bench.launchers import local_slots
from infoseg_bench.records.curve import Diverged
from infoseg_bench.runs.transient import is_transient
from infoseg_bench.utils.disk import disk_error

CPU, GPU = torch.device("cpu"), torch.device("cuda")
GIB = 2**30


def jobs(device: torch.device = CPU, **options: Any) -> int:
    return local_slots.automatic_jobs(device, **{"runs": 9, "gpus_per_run": 1, "store_bytes": GIB, **options})


def test_without_gpus_every_core_has_a_run_while_memory_suffices(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(local_slots, "usable_cores", lambda: 8)
    monkeypatch.setattr(local_slots, "usable_memory", lambda: 64 * GIB)
    assert jobs() == 8
    assert jobs(runs=3) == 3
    assert jobs(runs=1) == 1
    assert jobs(gpus_per_run=2) == 1
    monkeypatch.setattr(local_slots, "usable_memory", lambda: 9 * GIB)
    assert jobs() == 2
    assert jobs(store_bytes=100 * GIB) == 1


def test_every_run_gets_a_gpu_of_those_that_are_visible(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5")
    assert jobs(GPU) == 2
    assert local_slots.shared_gpus(GPU) == ["3", "5"]
    assert local_slots.shared_gpus(torch.device("cuda", 1)) == []
    assert local_slots.shared_gpus(CPU) == []
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)
    assert local_slots.shared_gpus(GPU) == ["0", "1", "2"]


@pytest.mark.parametrize(
    ("error", "transient"),
    [
        (OSError(errno.EIO, "input/output error"), True),
        (OSError(errno.ESTALE, "stale file handle"), True),
        (ConnectionResetError("gone"), True),
        (RuntimeError("CUDA error: unspecified launch failure"), True),
        (disk_error(OSError(errno.EIO, "input/output error"), Path("x")), True),
        (disk_error(OSError(errno.ENOSPC, "no space"), Path("x")), False),
        (FileNotFoundError(errno.ENOENT, "no such file"), False),
        (RuntimeError("CUDA error: device-side assert triggered"), False),
        (RuntimeError("CUDA error: an illegal memory access was encountered"), False),
        (torch.cuda.OutOfMemoryError("CUDA out of memory"), False),
        (Diverged("loss is nan at step 3"), False),
        (UserError("a wrong word"), False),
        (RuntimeError("shapes do not fit"), False),
        (ZeroDivisionError(), False),
    ],
    ids=repr,
)
def test_what_a_machine_did_may_pass_what_a_run_did_may_not(error: BaseException, transient: bool) -> None:
    assert is_transient(error) == transient


@pytest.mark.parametrize(("of_others", "transient"), [(8 << 30, True), (200 << 20, False)])
def test_memory_that_neighbours_hold_may_come_free(
    of_others: int, transient: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    total, own = 16 << 30, 4 << 30
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda: (total - own - of_others, total))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda: own)
    assert is_transient(torch.cuda.OutOfMemoryError("CUDA out of memory")) == transient

"""The process that executes one run: `python -m infoseg_bench.runs.worker RUN_FOLDER --data DIR`.

If torchrun starts several of them for a run, each one trains on a part of every batch.
"""

from __future__ import annotations

import argparse
import gc
import logging
import os
import socket
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
from filelock import Timeout

from infoseg_bench.errors import UserError
from infoseg_bench.records.folder import BUSY, FAILED, FINISHED, INTERRUPTED, RunFolder
from infoseg_bench.records.heartbeat import owned_elsewhere, owning
from infoseg_bench.records.provenance import device_model, now
from infoseg_bench.records.record import FinishedRecord, UnscoredRecord
from infoseg_bench.runs.assemble import Setting, assemble, assemble_follower
from infoseg_bench.runs.conclude import fail, keep_weights_only, outcome, succeed
from infoseg_bench.runs.execute import Execution
from infoseg_bench.runs.prediction import Interrupted
from infoseg_bench.runs.snapshots import animate
from infoseg_bench.runs.stop import Pulse, StopRequest
from infoseg_bench.runs.transient import is_transient
from infoseg_bench.utils.device import choose_device, use_device
from infoseg_bench.utils.distributed import join
from infoseg_bench.utils.text import plural

LOG = logging.getLogger(__name__ if __name__ != "__main__" else "infoseg_bench.runs.worker")
LOCK_SECONDS = 1.0
"""Maximum time to wait for the run's lock; chosen by this project."""


def main(argv: Sequence[str] | None = None) -> int:
    """Execute the run, unless another process is executing it or has finished it; return the exit status."""
    options = _parser().parse_args(argv)
    _start_log()
    if options.threads:
        torch.set_num_threads(options.threads)
    folder, stop = RunFolder(options.folder), StopRequest()
    try:
        ranks, device = join(choose_device(options.device))
        use_device(device)
        setting = Setting(
            data=options.data, device=device, plugins=options.plugin, compile=options.compile, ranks=ranks,
            cuda_graph=options.cuda_graph, snapshots=options.snapshots,
        )  # fmt: skip
        return _lead(folder, setting, stop) if ranks.rank == 0 else _follow(folder, setting, stop)
    except UserError as error:
        LOG.error(error)
        return FAILED


def _start_log() -> None:
    """Log messages and warnings to standard error, which the launcher redirects to log.txt."""
    logging.basicConfig(
        stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s", datefmt="%Y-%m-%d %H:%M:%S"
    )
    logging.getLogger("infoseg_bench").setLevel(logging.INFO)
    logging.captureWarnings(True)


def _lead(folder: RunFolder, setting: Setting, stop: StopRequest) -> int:
    try:
        # A process that tests whether the lock is free acquires it for a moment.
        with folder.lock().acquire(timeout=LOCK_SECONDS):
            if owned_elsewhere(folder.owner_file):
                raise Timeout(str(folder.lock_file))
            with owning(folder.owner_file):
                return _lead_alone(folder, setting, stop)
    except Timeout:
        setting.ranks.any(False)
        return BUSY


def _lead_alone(folder: RunFolder, setting: Setting, stop: StopRequest) -> int:
    folder.claim_file.unlink(missing_ok=True)
    folder.clean()
    todo = folder.completed_record() is None
    setting.ranks.any(todo)
    return _work(folder, setting, stop) if todo else FINISHED


def _follow(folder: RunFolder, setting: Setting, stop: StopRequest) -> int:
    """Train with rank 0, which alone evaluates and writes."""
    if not setting.ranks.any(False):
        return FINISHED
    try:
        method, train = assemble_follower(folder, setting)
        for _ in method.fit(train):
            if setting.ranks.any(bool(stop)):
                return INTERRUPTED
    except KeyboardInterrupt:
        return INTERRUPTED
    # If rank 0 ends, the others lose the connection to it.
    except RuntimeError as error:
        LOG.error("Process %d of the run: %s", setting.ranks.rank, error)
        return INTERRUPTED if stop else FAILED
    return FINISHED


def _work(folder: RunFolder, setting: Setting, stop: StopRequest) -> int:
    started, spec = now(), folder.spec()
    LOG.info("Run %s: %s, process %d on %s", spec.short_id, spec.title, os.getpid(), socket.gethostname())
    device = device_model(setting.device)
    LOG.info("Device: %s (%s), %s", setting.device, device, plural(torch.get_num_threads(), "thread"))
    folder.write_status(state="running")
    stop.pulse = Pulse(folder.status_file)
    execution: Execution | None = None
    try:
        execution, prepared = assemble(folder, setting, should_stop=lambda: bool(stop))
        photos, scored = len(prepared.view.train), len(prepared.view.evaluation)
        LOG.info("Data: %s, %d photos to train on, %d scored", prepared.store.path, photos, scored)
        record = succeed(execution, prepared, execution.run())
        _tidy(execution, record)
    except Interrupted:
        progress = execution.progress if execution else {}
        folder.write_status(**progress, state="interrupted", steps=spec.budget and spec.budget.steps)
        LOG.info("Interrupted at step %d", progress.get("step", 0))
        return INTERRUPTED
    except KeyboardInterrupt:
        return INTERRUPTED
    # Any exception of a method fails only this run, and is written to its record.
    except Exception as error:
        return _fail(folder, started, error)
    for warning in (*record.warnings, *filter(None, [execution.training.note])):
        LOG.warning(warning)
    LOG.info("Finished: %s", outcome(record))
    return FINISHED


def _tidy(execution: Execution, record: FinishedRecord | UnscoredRecord) -> None:
    """Do what is left after the record of a finished run; whatever goes wrong here, the run is finished."""
    folder, training = execution.folder, execution.training
    with _optional("the checkpoint keeps what only training needs"):
        keep_weights_only(execution)
    if execution.snapshots:
        with _optional("there is no animation"):
            animate(folder, record)
    with _optional("the status is not up to date"):
        folder.write_status(**execution.progress, state="finished", steps=training.step, note=training.note)


@contextmanager
def _optional(consequence: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        LOG.warning("%s: %s", consequence, error)


def _fail(folder: RunFolder, started: str, error: Exception) -> int:
    line = str(error) if isinstance(error, UserError) else f"{type(error).__name__}: {error}"
    LOG.error("Failed: %s", traceback.format_exc().rstrip())
    spec = folder.spec()
    fail(folder, spec, method_title=spec.method, started=started, error=traceback.format_exc())
    folder.write_status(
        state="failed",
        error=line.splitlines()[0] if line else type(error).__name__,
        transient=is_transient(error),
    )
    return FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Execute one planned run.")
    parser.add_argument("folder", type=Path, help="the run's folder, with its spec.json")
    parser.add_argument("--data", type=Path, required=True, help="folder of the prepared stores")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    parser.add_argument("--threads", type=int, default=0, help="number of CPU threads; 0: torch's choice")
    parser.add_argument("--compile", action="store_true", help="compile the network with torch.compile")
    parser.add_argument("--cuda-graph", action="store_true", help="record training steps as CUDA graphs")
    parser.add_argument(
        "--snapshots", type=int, default=0, help="number of images whose predictions are kept"
    )
    parser.add_argument("--plugin", type=Path, action="append", default=[], help="file with more methods")
    return parser


if __name__ == "__main__":
    status = main()
    # Python would search all of PyTorch's objects for garbage, which takes longer than many a run.
    gc.freeze()
    sys.exit(status)

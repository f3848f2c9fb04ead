"""Workers that are forked do what workers of their own do, and fail as they do."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from infoseg_bench.launchers import fork_server as module
from infoseg_bench.launchers.fork_server import WORKER, ForkedWorker, ForkServer, fork_server
from infoseg_bench.launchers.local import LocalEngine
from infoseg_bench.records.folder import FINISHED, RunFolder
from infoseg_bench.records.spec import RunSpec
from tests.launchers.slow_runs import (
    Disturbing,
    assert_same_counts,
    brake,
    do_undisturbed,
    make_specs,
    make_work,
    reached,
    wait_until,
)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="workers are forked only on Linux")


@pytest.fixture(scope="module")
def server() -> ForkServer:
    return ForkServer()


def fork(server: ForkServer, folder: Path, spec: RunSpec, *more: str) -> tuple[ForkedWorker, RunFolder]:
    """Let a server fork the worker of a run, with one more environment variable."""
    work = make_work(folder, "forked")
    run, command = work.folder(spec), work.command(spec, threads=1)
    arguments = [*command[command.index(WORKER) + 1 :], *more]
    worker = server.fork(arguments, environment={**os.environ, "MARK": "only here"}, log=run.log_file)
    assert worker is not None
    return worker, run


def test_a_forked_run_ends_as_one_of_its_own_in_an_environment_and_session_of_its_own(
    server: ForkServer, tmp_path: Path
) -> None:
    (spec,) = specs = make_specs(tmp_path, 1)
    told = tmp_path / "told.py"
    told.write_text('import os\nprint(os.environ["MARK"], os.getcwd(), os.getsid(0), flush=True)\n')
    worker, run = fork(server, tmp_path, spec, "--plugin", str(told))
    (expected,) = do_undisturbed(tmp_path, specs)
    wait_until(lambda: worker.poll() is not None)
    assert worker.returncode == FINISHED
    assert f"only here {Path.cwd()} {worker.pid}" in run.log_file.read_text()
    assert not run.log_file.stat().st_mode & 0o111
    assert "MARK" not in os.environ
    assert_same_counts(expected, run)
    records = expected.record(), run.record()
    assert [record.provenance.command[0] for record in records if record] == ["worker.py"] * 2


def test_only_what_a_user_sets_for_libraries_needs_another_server(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    server = ForkServer.__new__(ForkServer)

    def noting(environment: object) -> ForkServer:
        asked.append(environment)
        return server

    monkeypatch.setattr(module, "_server", noting)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.delenv("KMP_INIT_AT_FORK", raising=False)
    fork_server()
    monkeypatch.setenv("KMP_INIT_AT_FORK", "FALSE")  # as scikit-learn does
    monkeypatch.setenv("HOME", "elsewhere")
    fork_server()
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    fork_server()
    first, second, third = asked
    assert first == second != third


def test_a_signal_ends_a_worker_and_is_its_status(server: ForkServer, tmp_path: Path) -> None:
    (spec,) = make_specs(tmp_path, 1)
    brake(tmp_path, 2)
    worker, run = fork(server, tmp_path, spec)
    assert worker.poll() is None
    wait_until(lambda: reached(run) >= 2)
    worker.send_signal(signal.SIGKILL)
    wait_until(lambda: worker.poll() is not None)
    assert worker.returncode == -signal.SIGKILL
    worker.send_signal(signal.SIGINT)  # to nobody


def test_workers_stop_when_their_server_dies_and_resume_in_processes_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mortal, specs = ForkServer(), make_specs(tmp_path, 1)
    run = RunFolder.of(tmp_path / "orphan", specs[0])
    monkeypatch.setattr("infoseg_bench.launchers.local.fork_server", lambda: mortal)

    def kill() -> None:
        mortal._process.kill()
        mortal._process.wait()

    watcher = Disturbing(tmp_path, kill, step=2)
    engine = LocalEngine(work=make_work(tmp_path, "orphan"), jobs=2, watcher=watcher, fork=True)
    assert [outcome.ending for outcome in engine.run(specs)] == ["finished"]
    record = run.record()
    assert record is not None
    assert len(watcher.retried) == len(record.provenance.resumed_from) == 1

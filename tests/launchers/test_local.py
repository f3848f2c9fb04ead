"""The local engine with real processes, which are small scripts in place of a worker that trains."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from infoseg_bench.launchers.attempt import Limits
from infoseg_bench.launchers.local import LocalEngine
from infoseg_bench.launchers.outcome import Outcome
from infoseg_bench.launchers.work import Work
from infoseg_bench.records import heartbeat
from infoseg_bench.records.folder import RunFolder
from infoseg_bench.records.spec import RunSpec
from tests.reporting.runs import add_run, counts_with


def make_spec(seed: int = 0) -> RunSpec:
    return RunSpec(
        dataset="mine", fingerprint="ab", protocol="corrected", method="m", method_version=1, parameters={},
        budget=None, seed=seed,
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Scripted(Work):
    """Runs a script, with the run's folder as its argument."""

    script: str

    def command(self, spec: RunSpec, *, threads: int, gpus: float | None = None) -> list[str]:
        return [sys.executable, "-S", "-c", self.script, str(RunFolder.of(self.results, spec).path)]


@dataclass
class Noting:
    """A watcher that keeps what it is told."""

    retried: list[str] = field(default_factory=list)
    done: list[Outcome] = field(default_factory=list)

    def started(self, spec: RunSpec) -> None: ...
    def moved(self, spec: RunSpec, status: dict[str, Any]) -> None: ...
    def stopping(self) -> None: ...

    def retrying(self, outcome: Outcome) -> None:
        self.retried.append(outcome.reason)

    def ended(self, outcome: Outcome) -> None:
        self.done.append(outcome)


class Acting(Noting):
    """Does something as soon as a run's worker says that it is there."""

    def __init__(self, act: Callable[[], object]) -> None:
        super().__init__()
        self._act, self._acted = act, False

    def moved(self, spec: RunSpec, status: dict[str, Any]) -> None:
        if status and not self._acted:
            self._acted = True
            self._act()


def press_twice() -> None:
    """Press Ctrl-C, and again when it has been heard."""
    os.kill(os.getpid(), signal.SIGINT)
    threading.Timer(1.5, os.kill, (os.getpid(), signal.SIGINT)).start()


def run(
    tmp_path: Path, script: str, *, specs: int = 1, jobs: int = 1, **limits: Any
) -> tuple[list[Outcome], Noting]:
    watcher = Noting()
    work = Scripted(results=tmp_path, data=tmp_path, script="import os, sys, time, json\n" + script)
    engine = LocalEngine(work=work, jobs=jobs, watcher=watcher, limits=Limits(**limits))
    return engine.run([make_spec(seed) for seed in range(specs)]), watcher


def test_what_is_killed_is_tried_again_and_may_succeed(tmp_path: Path) -> None:
    once = 'f = sys.argv[1] + "/once"\nif not os.path.exists(f): open(f, "w"); os.kill(os.getpid(), 9)\n'
    (outcome,), watcher = run(tmp_path, once, retries=1)
    assert outcome.ending == "finished"
    assert ["SIGKILL" in reason for reason in watcher.retried] == [True]


def test_what_is_killed_every_time_fails_in_the_end_with_its_last_output(tmp_path: Path) -> None:
    (outcome,), watcher = run(tmp_path, 'print("so far", flush=True)\nos.kill(os.getpid(), 9)', retries=1)
    assert (outcome.ending, len(watcher.retried)) == ("failed", 1)
    assert "killed by SIGKILL; last output: so far" in outcome.reason


@pytest.mark.parametrize(("transient", "tries"), [(True, 2), (False, 1)])
def test_a_failure_is_tried_again_if_the_worker_says_that_it_may_pass(
    tmp_path: Path, transient: bool, tries: int
) -> None:
    told = json.dumps({"state": "failed", "error": "lost the GPU", "transient": transient})
    script = (
        f"open(sys.argv[1] + '/status.json', 'w').write({told!r})\nprint('tried', flush=True)\nsys.exit(1)"
    )
    (outcome,), _ = run(tmp_path, script, retries=1)
    assert "lost the GPU" in outcome.reason
    assert RunFolder.of(tmp_path, make_spec()).log_file.read_text().count("tried") == tries


def test_a_run_beyond_its_time_limit_fails_alone_with_all_its_processes(tmp_path: Path) -> None:
    script = (
        "if 'seed1' in sys.argv[1]: sys.exit(0)\n"
        "import subprocess\n"
        "child = subprocess.Popen([sys.executable, '-S', '-c', 'import time; time.sleep(600)'], "
        "start_new_session=True)\n"
        "print(child.pid, flush=True)\nchild.wait()\n"
    )
    outcomes, watcher = run(tmp_path, script, specs=2, seconds=3.0)
    assert [outcome.ending for outcome in outcomes] == ["failed", "finished"]
    assert "time limit of 3 s" in outcomes[0].reason
    assert watcher.retried == []
    child = int(RunFolder.of(tmp_path, make_spec()).log_file.read_text())
    assert not Path(f"/proc/{child}/cmdline").exists() or not Path(f"/proc/{child}/cmdline").read_bytes()


def test_a_run_without_a_sign_of_life_is_ended_and_one_with_signs_is_not(tmp_path: Path) -> None:
    script = (
        "for _ in range(40):\n"
        "    time.sleep(0.1)\n"
        "    if 'seed1' in sys.argv[1]: open(sys.argv[1] + '/status.json', 'w').write('{}')\n"
    )
    outcomes, watcher = run(tmp_path, script, specs=2, jobs=2, silent_seconds=2.0, retries=1)
    endings = {outcome.spec.seed: outcome.ending for outcome in outcomes}
    assert endings == {0: "failed", 1: "finished"}
    assert "hung: no sign of life for 2 s" in watcher.retried[0]


def test_a_second_ctrl_c_ends_a_run_that_does_not_hear_the_first_and_starts_no_other(tmp_path: Path) -> None:
    script = (
        "import os, signal, sys, time\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "open(sys.argv[1] + '/status.json', 'w').write('{\"state\": \"running\"}')\ntime.sleep(600)\n"
    )
    work = Scripted(results=tmp_path, data=tmp_path, script=script)
    engine = LocalEngine(work=work, jobs=1, watcher=Acting(press_twice))
    (outcome,) = engine.run([make_spec(0), make_spec(1)])
    assert engine.stopped
    assert (outcome.spec.seed, outcome.ending) == (0, "interrupted")


def test_what_torchrun_gives_as_a_failure_is_no_failure_if_the_worker_was_stopped(tmp_path: Path) -> None:
    script = """open(sys.argv[1] + '/status.json', 'w').write('{"state": "interrupted"}')\nsys.exit(1)"""
    (outcome,), watcher = run(tmp_path, script, retries=1)
    assert (outcome.ending, watcher.retried) == ("interrupted", [])


@pytest.fixture
def cramped() -> Iterator[Path]:
    """Return a file that takes a process into a group with little memory."""
    root = Path("/sys/fs/cgroup")
    older = (root / "memory").is_dir()
    group = root / ("memory" if older else "") / f"infoseg-bench-test-{os.getpid()}"
    limit = group / ("memory.limit_in_bytes" if older else "memory.max")
    try:
        group.mkdir()
        if not limit.exists():
            raise FileNotFoundError(limit)
        limit.write_text("64M")
    except OSError as error:
        with suppress(OSError):
            group.rmdir()
        pytest.skip(f"needs control groups of memory: {error}")
    yield group / "cgroup.procs"
    with suppress(OSError):
        group.rmdir()


def test_a_run_that_the_system_kills_for_want_of_memory_says_so(tmp_path: Path, cramped: Path) -> None:
    script = f"open({str(cramped)!r}, 'w').write(str(os.getpid()))\nprint(len(bytearray(200_000_000)))"
    (outcome,), _ = run(tmp_path, script, retries=0)
    assert "killed by the system: out of memory (a smaller --jobs" in outcome.reason


@contextmanager
def elsewhere(folder: RunFolder, spec: RunSpec, end: Callable[[], object]) -> Iterator[None]:
    """Hold a run's lock for a while as another launcher's worker would, then `end`."""

    def hold() -> None:
        time.sleep(1.5)
        end()
        lock.release()

    folder.create(spec)
    lock = FileLock(folder.lock_file, thread_local=False)
    lock.acquire()
    thread = threading.Thread(target=hold)
    thread.start()
    yield
    thread.join()


def test_a_run_that_another_does_is_waited_for_and_done_here_if_the_other_dies(tmp_path: Path) -> None:
    with elsewhere(RunFolder.of(tmp_path, make_spec()), make_spec(), lambda: None):
        outcomes, _ = run(tmp_path, "print('here')", specs=2)
    assert [(outcome.spec.seed, outcome.ending) for outcome in outcomes] == [(1, "finished"), (0, "finished")]
    assert "here" in RunFolder.of(tmp_path, make_spec()).log_file.read_text()


def test_a_run_that_another_finishes_is_collected_and_not_repeated(tmp_path: Path) -> None:
    spec = add_run(tmp_path / "throwaway", last=counts_with(5)).spec()
    work = Scripted(results=tmp_path, data=tmp_path, script="print('here')")
    folder = RunFolder.of(tmp_path, spec)
    with elsewhere(folder, spec, lambda: add_run(tmp_path, last=counts_with(5))):
        (outcome,) = LocalEngine(work=work, jobs=1, watcher=Noting()).run([spec])
    assert outcome.ending == "finished"
    assert not folder.log_file.exists()


def test_a_worker_that_finds_the_run_taken_gives_its_place_to_the_next(tmp_path: Path) -> None:
    script = 'f = sys.argv[1] + "/once"\nif not os.path.exists(f): open(f, "w"); sys.exit(75)\n'
    outcomes, _ = run(tmp_path, script, specs=2)
    assert {outcome.ending for outcome in outcomes} == {"finished"}


def test_another_machine_at_work_counts_until_it_has_been_silent_for_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = RunFolder.of(tmp_path, make_spec())
    folder.create(make_spec())
    folder.owner_file.write_text("another-machine\n")
    assert folder.state() == "running"
    old = time.time() - heartbeat.STALE_SECONDS - 5
    os.utime(folder.owner_file, (old, old))
    assert folder.state() == "missing"
    folder.owner_file.write_text(socket.gethostname() + "\n")
    assert folder.state() == "missing"


def test_an_owner_gives_signs_of_life_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeat, "BEAT_SECONDS", 0.02)
    file = tmp_path / ".owner"
    with heartbeat.owning(file):
        os.utime(file, (1, 1))
        deadline = time.monotonic() + 30
        while file.stat().st_mtime == 1:
            assert time.monotonic() < deadline
            time.sleep(0.02)
    assert list(tmp_path.iterdir()) == []


def test_of_two_launchers_one_claims_a_run(tmp_path: Path) -> None:
    file = tmp_path / ".claim"
    assert heartbeat.claim(file)
    assert not heartbeat.claim(file)
    os.utime(file, (1, 1))
    assert heartbeat.claim(file)

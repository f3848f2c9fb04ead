"""Runs as tasks of a real Ray cluster of two nodes, one of which dies: they end as a local run does."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from infoseg_bench.records.folder import RunFolder
from tests.cli.commands import environment
from tests.launchers.slow_runs import (
    assert_same_counts,
    brake,
    do_undisturbed,
    launch,
    make_specs,
    reached,
    resumed,
    wait_for_others,
    wait_until,
)

pytest.importorskip("ray", reason="needs the extra ray")


class Cluster:
    """Whoever has started the nodes."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.address = self._read("address ")

    def kill_the_node_of(self, process: int) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{process}\n")
        self._process.stdin.flush()
        self._read("killed")

    def _read(self, word: str) -> str:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith(word):
                return line.removeprefix(word).strip()
        raise AssertionError("the cluster has ended")


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    words = [sys.executable, str(Path(__file__).with_name("ray_cluster.py"))]
    with subprocess.Popen(
        words, env=environment(), text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    ) as process:  # fmt: skip
        yield Cluster(process)


def test_a_run_that_is_stopped_and_whose_node_dies_ends_as_if_nothing_had_been(
    tmp_path: Path, cluster: Cluster
) -> None:
    specs = make_specs(tmp_path, 1)
    (expected,) = do_undisturbed(tmp_path, specs)
    brake(tmp_path, 20)
    run = RunFolder.of(tmp_path / "results", specs[0])
    on_ray = ["--engine", "ray", "--ray-address", cluster.address]
    with launch(tmp_path, *on_ray) as launcher:
        wait_until(lambda: reached(run) >= 20, launcher)
        launcher.send_signal(signal.SIGINT)
        _, errors = launcher.communicate(timeout=600)
    assert launcher.returncode == 130, errors
    assert "Interrupted. Run the same command again to resume." in errors
    assert run.state() == "interrupted"
    saved = reached(run)
    brake(tmp_path, saved + 20)
    with launch(tmp_path, *on_ray) as launcher:
        wait_until(lambda: reached(run) >= saved + 20, launcher)
        first_worker = run.status()["pid"]
        cluster.kill_the_node_of(first_worker)
        wait_for_others([first_worker], [run])
        brake(tmp_path, None)
        _, errors = launcher.communicate(timeout=600)
    assert launcher.returncode == 0, errors
    assert run.status()["pid"] != first_worker
    # A worker that dies with its node may save its state, or may not.
    assert resumed(run) >= 1
    assert_same_counts(expected, run)

"""Runs as tasks of a real Ray cluster of two nodes, one of which dies: they end as a local run does."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

from infoseg_bench.runs.curve import read_curve
from infoseg_bench.runs.folder import RunFolder
from tests.cli.commands import SMALL_INFOSEG, command, environment, infoseg_bench, prepare_photos

pytest.importorskip("ray", reason="needs the extra ray")

RUN = ["run", "--dataset", "mine", "--method", "infoseg", "--steps", "300", "--device", "cpu", *SMALL_INFOSEG]
CLUSTER = """
import os, sys
os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
from ray.cluster_utils import Cluster
# The head takes no runs, so that both nodes that do may die.
cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
node = cluster.add_node(num_cpus=1)
print("address", cluster.address, flush=True)
sys.stdin.readline()
cluster.add_node(num_cpus=1)
cluster.remove_node(node, allow_graceful=False)
print("killed", flush=True)
sys.stdin.readline()
cluster.shutdown()
"""


def read_word(cluster: subprocess.Popen[str], word: str) -> str:
    assert cluster.stdout is not None
    for line in cluster.stdout:
        if line.startswith(word):
            return line.removeprefix(word).strip()
    raise AssertionError(f"the cluster has ended before {word!r}")


def tell(cluster: subprocess.Popen[str]) -> None:
    assert cluster.stdin is not None
    cluster.stdin.write("\n")
    cluster.stdin.flush()


def wait_until_step(folder: Path, step: int) -> RunFolder:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        for path in (folder / "on-ray" / "runs").glob("*"):
            if any(line["step"] >= step for line in read_curve(path / "curve.jsonl")):
                return RunFolder(path)
        time.sleep(0.05)
    raise AssertionError("the run does not start")


def launch(folder: Path, address: str) -> subprocess.Popen[str]:
    words = ["--results", "on-ray", "--engine", "ray", "--ray-address", address]
    return subprocess.Popen(
        command(*RUN, *words), cwd=folder, env=environment(), stderr=subprocess.PIPE, text=True
    )


def stopped_run(folder: Path, address: str) -> RunFolder:
    """Start a run and stop it with Ctrl-C, so that there is a checkpoint."""
    with launch(folder, address) as launcher:
        run = wait_until_step(folder, 20)
        launcher.send_signal(signal.SIGINT)
        _, errors = launcher.communicate(timeout=60)
    assert launcher.returncode == 130, errors
    assert run.state() == "interrupted"
    return run


def test_a_run_whose_node_dies_goes_on_elsewhere_and_ends_as_if_it_had_not(tmp_path: Path) -> None:
    prepare_photos(tmp_path)
    assert infoseg_bench(tmp_path, *RUN, "--results", "undisturbed").returncode == 0
    words = [*command()[:1], "-c", CLUSTER]
    with subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as cluster:
        address = read_word(cluster, "address")
        run = stopped_run(tmp_path, address)
        saved = max(line["step"] for line in read_curve(run.curve_file))
        with launch(tmp_path, address) as launcher:
            wait_until_step(tmp_path, saved + 20)
            first_worker = run.status()["pid"]
            tell(cluster)
            read_word(cluster, "killed")
            _, errors = launcher.communicate(timeout=200)
        tell(cluster)
    assert launcher.returncode == 0, errors
    record = run.record()
    assert record is not None
    assert len(record.provenance.resumed_from) == 1
    assert run.status()["pid"] != first_worker
    with (
        np.load(tmp_path / "undisturbed" / "runs" / run.path.name / "counts.npz") as expected,
        np.load(run.counts_file) as found,
    ):
        for name in expected.files:
            assert np.array_equal(expected[name], found[name]), name

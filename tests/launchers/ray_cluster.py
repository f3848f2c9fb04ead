"""A real Ray cluster of this machine, in a process of its own: a head without runs, and nodes of a core each.

Prints its address. Of every line that it reads, the number of a process, it kills the node that this process
is of. The end of its input is the cluster's.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from typing import Any

os.environ["RAY_USAGE_STATS_ENABLED"] = "0"

from ray.cluster_utils import Cluster

from infoseg_bench.launchers.processes import descendants

LOOKS = {
    "health_check_initial_delay_ms": 1000,
    "health_check_period_ms": 500,
    "health_check_timeout_ms": 2000,
    "health_check_failure_threshold": 4,
}
"""How soon a node counts as dead; Ray's own are made for large clusters."""


def processes(node: Any) -> list[int]:
    """Return those that the node has started."""
    return [found for _, process in node.live_processes() for found in descendants(process.pid)]


def main(folder: str) -> None:
    """Start, and listen."""
    # As in the background of a script.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Ray writes beside its folder too, where nothing need be on a fresh machine.
    os.environ["RAY_TMPDIR"] = folder
    head = {"num_cpus": 0, "include_dashboard": False, "_system_config": LOOKS}
    cluster: Any = Cluster(initialize_head=True, head_node_args=head)
    nodes = [cluster.add_node(num_cpus=1) for _ in range(2)]
    print("address", cluster.address, flush=True)
    for line in sys.stdin:
        (node,) = (node for node in nodes if int(line) in processes(node))
        cluster.remove_node(node, allow_graceful=False)
        print("killed", flush=True)
    cluster.shutdown()


if __name__ == "__main__":
    # Paths of sockets are short.
    with tempfile.TemporaryDirectory(prefix="ray-") as made:
        main(made)

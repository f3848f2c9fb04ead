"""The Ray cluster of a launcher: one that is there, or one of this machine."""

from __future__ import annotations

import os
from typing import Any

from infoseg_bench.errors import UserError
from infoseg_bench.utils.extras import extra


def connect(address: str | None) -> Any:
    """Connect to a cluster, or start one here; nothing if that has been done.

    Raises:
        UserError: there is none at that address
        UsageError: Ray is not installed
    """
    # A benchmark does not report to anybody who runs it.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    ray = extra("ray", "ray")
    if ray.is_initialized():
        return ray
    here = {} if address else {"include_dashboard": False}
    try:
        ray.init(address=address or "local", log_to_driver=False, logging_level="error", **here)
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise UserError(
            f"no Ray cluster at {address or 'this machine'}: {str(error).strip().splitlines()[0]}"
        ) from None
    return ray


def gpus_there(address: str | None, wanted: int) -> int:
    """Return `wanted` if the cluster has any GPU, else 0."""
    return wanted if connect(address).cluster_resources().get("GPU") else 0

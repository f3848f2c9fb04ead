"""The command line. Heavy libraries are imported inside the commands, so that --help stays fast."""

from __future__ import annotations

from infoseg_bench.cli.main import main

__all__ = ["main"]

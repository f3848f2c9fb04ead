from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.cli.commands import environment
from tests.training.compiled import SMALL


def test_compile_gives_the_networks_of_all_kinds_of_method_to_the_compiler_and_changes_no_loss() -> None:
    """AC's and InMARS's networks are dictionaries of parts, of which each is called by itself."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.training.compiled"],
        cwd=Path(__file__).parents[2], env=environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["method"] for line in found] == list(SMALL)
    for line in found:
        none, some = line["graphs"]
        assert (none, some > 0) == (0, True), line
        plain, compiled = line["losses"]
        assert plain == compiled, line

"""The curve of a run: one JSON line per logged step, with loss and, where evaluated, PA."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from infoseg_bench.atomic import disk_error
from infoseg_bench.errors import UserError


class Curve:
    """Appends to a run's `curve.jsonl`."""

    def __init__(self, path: Path, *, resume_at: int) -> None:
        """Open it, dropping what an earlier session wrote after the step `resume_at`.

        Raises:
            UserError: the file cannot be written
        """
        kept = [line for line in read_curve(path) if line["step"] <= resume_at] if resume_at else []
        self._path = path
        self._write("".join(json.dumps(line) + "\n" for line in kept), mode="w")

    def add(self, step: int, values: Mapping[str, float | Tensor]) -> dict[str, float]:
        """Append one line.

        Returns:
            the values as numbers

        Raises:
            UserError: a value is not finite, or the disk is full
        """
        numbers = {name: float(value) for name, value in values.items()}
        for name, value in numbers.items():
            if not math.isfinite(value):
                raise UserError(
                    f"{name} is {value} at step {step}: the run has diverged; try a lower lr, "
                    "the checkpoint before it is kept"
                )
        self._write(json.dumps({"step": step, **numbers}) + "\n", mode="a")
        return numbers

    def _write(self, text: str, *, mode: str) -> None:
        try:
            with self._path.open(mode) as handle:
                handle.write(text)
        except OSError as error:
            raise disk_error(error, self._path) from error


def read_curve(path: Path) -> list[dict[str, Any]]:
    """Read the lines of a curve; a line cut short by a kill is left out."""
    if not path.exists():
        return []
    lines = []
    for text in path.read_text().splitlines():
        try:
            lines.append(json.loads(text))
        except ValueError:
            continue
    return lines

"""The curve of a run: one JSON line per logged step, with the loss and, at evaluations, PA.

Without labels, evaluations log the entropy of the cluster sizes in nats instead of PA.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, SupportsFloat

from infoseg_bench.errors import UserError
from infoseg_bench.utils.disk import disk_error

EVALUATED = {"pixel_accuracy", "cluster_entropy"}
"""Every line of an evaluation has one of these keys: the first with labels, the second without."""


class Diverged(UserError):
    """A loss or a weight is not finite; the message says which, and at which step."""


class Curve:
    """Appends to a run's `curve.jsonl`."""

    def __init__(self, path: Path, *, resume_at: int, evaluated: int) -> None:
        """Open the curve, dropping lines that an earlier session wrote after its checkpoint.

        Args:
            path: path of the file
            resume_at: step of the checkpoint; 0: none
            evaluated: step of the latest evaluation before the checkpoint

        Raises:
            UserError: the file cannot be written
        """
        kept = [line for line in read_curve(path) if _known(line, resume_at, evaluated)] if resume_at else []
        self._path = path
        self._write("".join(json.dumps(line) + "\n" for line in kept), mode="w")

    def add(self, step: int, values: Mapping[str, SupportsFloat]) -> dict[str, float]:
        """Append one line.

        Returns:
            the values as numbers

        Raises:
            Diverged: a value is not finite
            UserError: the disk is full
        """
        numbers = {name: float(value) for name, value in values.items()}
        for name, value in numbers.items():
            if not math.isfinite(value):
                raise Diverged(f"{name} is {value} at step {step}")
        self._write(json.dumps({"step": step, **numbers}) + "\n", mode="a")
        return numbers

    def _write(self, text: str, *, mode: str) -> None:
        try:
            with self._path.open(mode) as handle:
                handle.write(text)
        except OSError as error:
            raise disk_error(error, self._path) from error


def _known(line: Mapping[str, Any], step: int, evaluated: int) -> bool:
    return bool(line["step"] <= (evaluated if EVALUATED & line.keys() else step))


def read_curve(path: Path) -> list[dict[str, Any]]:
    """Read the lines of a curve; damaged lines, as left by a kill, are skipped."""
    return parse_curve(path.read_text(errors="replace")) if path.exists() else []


def parse_curve(content: str) -> list[dict[str, Any]]:
    """Return the complete lines of a curve, each with its step."""
    lines = []
    for text in content.splitlines():
        try:
            line = json.loads(text)
        except (ValueError, RecursionError):
            continue
        if isinstance(line, dict) and isinstance(line.get("step"), int):
            lines.append(line)
    return lines

"""Loggers by name, and the parser of the option `--log`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from infoseg_bench.errors import UsageError, unknown_name
from infoseg_bench.loggers.csv import CsvLogger
from infoseg_bench.loggers.logger import CurveFollower, Logger
from infoseg_bench.loggers.mlflow import MLflowLogger
from infoseg_bench.loggers.tensorboard import TensorBoardLogger
from infoseg_bench.loggers.wandb import WandbLogger

LOGGERS: dict[str, Callable[[str], Logger]] = {
    "csv": CsvLogger,
    "mlflow": MLflowLogger,
    "tensorboard": TensorBoardLogger,
    "wandb": WandbLogger,
}
"""Loggers by name; the argument is the place to write to: a folder, or for MLflow also an address."""


def curve_followers(texts: Sequence[str], results: Path) -> dict[str, CurveFollower]:
    """Return a follower for every requested logger, by name and place.

    Args:
        texts: values of `--log`, "NAME" or "NAME=PLACE"; the default place is `logs/NAME` in `results`
        results: folder of the runs

    Raises:
        UsageError: an unknown logger, an empty place, or the logger's package is not installed
    """
    followers = {}
    for text in texts:
        name, equals, place = text.partition("=")
        if name not in LOGGERS:
            raise unknown_name("logger", name, LOGGERS)
        if equals and not place:
            raise UsageError(f"--log {text}: the place after '=' is empty: add a folder, or leave out '='")
        place = place or str(results / "logs" / name)
        followers[f"{name} ({place})"] = CurveFollower(LOGGERS[name](place))
    return followers

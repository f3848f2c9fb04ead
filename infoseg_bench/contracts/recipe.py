"""What a data set recipe must be: from a user's files to a verified store."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from infoseg_bench.contracts.parameters import Parameters

if TYPE_CHECKING:
    from infoseg_bench.progress import ProgressFactory


@dataclass(frozen=True, kw_only=True)
class SourceFile:
    """One official file or folder that a recipe reads."""

    path: str
    """Where it lies below the source folder."""
    address: str
    """Where people get it."""
    size: int | None = None
    """In bytes."""
    sha256: str | None = None


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """What `prepare` made."""

    store: Path
    summary: dict[str, str]
    """Lines for the user: what was counted, and what must be known when reading a score."""


class DatasetRecipe(ABC):
    """How one data set is built.

    The fields of `options_type` become the options of `infoseg-bench prepare NAME`: field names are the
    option names, descriptions the help, defaults the defaults; `Path` fields are folders or files.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    citation: ClassVar[str]
    licence: ClassVar[str]
    version: ClassVar[int] = 1
    """Raise it whenever the same files would give another store."""
    embedded: ClassVar[bool] = False
    """Whether the data are made by the recipe itself, so that `run` may prepare them unasked."""
    how_to_get: ClassVar[str]
    """One line: the command that prepares it, and what it needs."""
    sources: ClassVar[tuple[SourceFile, ...]] = ()
    options_type: ClassVar[type[Parameters]]

    @abstractmethod
    def prepare(self, options: Parameters, data: Path, progress: ProgressFactory) -> Prepared:
        """Build the store below the folder `data`, whole or not at all.

        Raises:
            UserError: the user's files do not fit, with the file and the remedy
        """

"""What a data set recipe must be: from a user's files to a verified store."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from infoseg_bench.contracts.parameters import Parameters

if TYPE_CHECKING:
    from infoseg_bench.utils.progress import ProgressFactory


@dataclass(frozen=True, kw_only=True)
class SourceFile:
    """One official archive that a recipe reads."""

    name: str
    """Its file name."""
    address: str
    """Where it is downloaded, or where people request it."""
    unpacked: str
    """The folder that may be there instead."""
    size: int | None = None
    """In bytes; None: the server is asked."""
    sha256: str | None = None
    """As published; None: nobody publishes one."""
    by_hand: bool = False
    """Whether it takes a registration, so that it cannot be downloaded unasked."""


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What is known of a data set before any of its files is there."""

    classes: int
    """Number of classes."""
    channels: int
    """Bands of the photos."""
    crop: int
    """Side of the crops in pixels."""
    photos: int
    """Photos to train on."""
    scored: int
    """Photos that are labelled and scored."""


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """What `prepare` made."""

    store: Path
    summary: dict[str, str]
    """Lines for the user: what was counted, and what must be known when reading a score."""
    warnings: tuple[str, ...] = ()
    """What is suspicious about the data, one line each."""


class DatasetRecipe(ABC):
    """How one data set is built.

    The fields of `options_type` become the options of `infoseg-bench prepare NAME`: field names are the
    option names, descriptions the help, defaults the defaults; `Path` fields are folders or files.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    citation: ClassVar[str]
    licence: ClassVar[str]
    republishable: ClassVar[bool] = False
    """Whether the licence lets anyone publish pictures of the photos, as a report's panels are."""
    version: ClassVar[int] = 1
    """Raise it whenever the same files would give another store."""
    embedded: ClassVar[bool] = False
    """Whether the data are made by the recipe itself, so that `run` may prepare them unasked."""
    sizes: ClassVar[tuple[int, int, int] | None] = None
    """Channels, crop in pixels and classes by default, for an estimate before it is prepared; None: the
    options decide."""
    how_to_get: ClassVar[str]
    """One line: the command that prepares it, and what it needs."""
    sources: ClassVar[tuple[SourceFile, ...]] = ()
    """Looked for in the folder `source` of the options, or else in `downloads` below the data."""
    working_space: ClassVar[int] = 0
    """Bytes that building takes besides the sources, at most; 0: little."""
    options_type: ClassVar[type[Parameters]]

    @classmethod
    def expected(cls, options: Parameters) -> Expected | None:
        """Return what these options will give; None where it depends on the user's own files."""
        return None

    @abstractmethod
    def prepare(self, options: Parameters, data: Path, progress: ProgressFactory) -> Prepared:
        """Build the store below the folder `data`, whole or not at all.

        Raises:
            UserError: the user's files do not fit, with the file and the remedy
        """

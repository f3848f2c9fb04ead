"""The interface of data set recipes, which build verified stores from the user's files."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic

from typing_extensions import TypeVar

from infoseg_bench.contracts.parameters import Parameters, set_from_brackets

if TYPE_CHECKING:
    from infoseg_bench.utils.progress import ProgressFactory

Options = TypeVar("Options", bound=Parameters, default=Any)
"""A recipe's options."""


@dataclass(frozen=True, kw_only=True)
class SourceFile:
    """One official archive that a recipe reads."""

    name: str
    """File name of the archive."""
    address: str
    """Address to download it from, or of the page where people request access."""
    unpacked: str
    """Folder with the unpacked files, accepted in place of the archive."""
    size: int | None = None
    """Size in bytes; None: the server is asked."""
    sha256: str | None = None
    """Checksum as published; None if none is published."""
    by_hand: bool = False
    """Whether it requires a registration, so that it cannot be downloaded automatically."""


@dataclass(frozen=True, kw_only=True)
class Expected:
    """Sizes of a data set that are known before its files are available."""

    classes: int
    """Number of classes."""
    channels: int
    """Channels of the photos."""
    crop: int
    """Side of the crops in pixels."""
    photos: int
    """Number of photos to train on."""
    scored: int
    """Number of labelled photos that are scored."""


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """The result of `DatasetRecipe.prepare`."""

    store: Path
    """Path of the store."""
    summary: dict[str, str]
    """Lines for the user: counts, and notes on the interpretation of scores."""
    warnings: tuple[str, ...] = ()
    """Warnings about suspicious data, one line each."""


class DatasetRecipe(ABC, Generic[Options]):
    """A recipe that builds a data set.

    The class of its options is given in brackets: `class Potsdam(DatasetRecipe[PotsdamOptions])`. Its fields
    become the options of `infoseg-bench prepare NAME`, with the fields' names, descriptions and defaults;
    `Path` fields are folders or files.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    citation: ClassVar[str]
    licence: ClassVar[str]
    republishable: ClassVar[bool] = False
    """Whether the licence of the photos allows publishing them, as in the panels of a report."""
    version: ClassVar[int] = 1
    """Raise it whenever the same files would give a different store."""
    embedded: ClassVar[bool] = False
    """Whether the recipe generates the data itself, so that `run` may prepare them without asking."""
    sizes: ClassVar[tuple[int, int, int] | None] = None
    """Channels, crop in pixels and classes with default options, for estimates before it is prepared;
    None if they depend on the options."""
    how_to_get: ClassVar[str]
    """One line with the command that prepares the data set, and what it needs."""
    sources: ClassVar[tuple[SourceFile, ...]] = ()
    """Archives to read, from the option `source`, or else from `downloads` below the data folder."""
    working_space: ClassVar[int] = 0
    """Maximum bytes of disk needed for building, besides the sources; 0: negligible."""
    options_type: ClassVar[type[Parameters]]
    """The class of the options. It need not be set: it is taken from the brackets."""

    def __init_subclass__(cls, **keywords: Any) -> None:
        """Take the class of the options from the brackets."""
        super().__init_subclass__(**keywords)
        set_from_brackets(cls, "options_type")

    @classmethod
    def needed(cls, options: Options) -> tuple[SourceFile, ...]:
        """Return the archives of `sources` that are read with these options."""
        return cls.sources

    @classmethod
    def expected(cls, options: Options) -> Expected | None:
        """Return the sizes of the data set with these options; None if they depend on the user's files."""
        return None

    @abstractmethod
    def prepare(self, options: Options, data: Path, progress: ProgressFactory) -> Prepared:
        """Build the store below the folder `data`, completely or not at all.

        Args:
            options: the recipe's options, parsed
            data: folder of all stores
            progress: wraps an iterable to show its progress under a title

        Raises:
            UserError: the user's files are unsuitable; the message names the file and the remedy
        """

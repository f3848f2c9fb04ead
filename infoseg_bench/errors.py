"""The errors a user can cause: one clear line each, with the value, the file and the remedy."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

MOST_NAMED = 10
"""Files that a message names of each fault; chosen by this project."""


class UserError(Exception):
    """Something in the user's files or machine is wrong; the message says what and what to do.

    The command line prints the message alone and exits with `exit_status`.
    """

    exit_status = 1


class DiskError(UserError):
    """A file cannot be written.

    Attributes:
        number: the system's error number; None where it gave none
    """

    def __init__(self, message: str, number: int | None) -> None:
        super().__init__(message)
        self.number = number


class FileError(UserError):
    """One file of the user's is wrong, in a way in which many files may be.

    Attributes:
        path: of the file
        kind: what is wrong, the same words for every such file
        remedy: what to do about it
        detail: what only this file has; may be empty
    """

    def __init__(self, path: object, kind: str, remedy: str, detail: str = "", alone: str = "") -> None:
        """Build the message of this file; `alone` replaces kind and detail where no other file is named."""
        self.path, self.kind, self.remedy, self.detail = path, kind, remedy, detail
        what = alone or kind + (f" ({detail})" if detail else "")
        super().__init__(f"{printable(path)}: {what}: {remedy}")


class UsageError(UserError):
    """The command itself was wrong: an unknown name, an option out of range."""

    exit_status = 2


def unknown_name(kind: str, name: str, known: Iterable[str], remedy: str = "") -> UsageError:
    """Build the error for a name that is not known, with the nearest names that are.

    Args:
        kind: what the name stands for, such as "method"
        name: the name that was asked for
        known: every name that would have been right
        remedy: what else to try, as a clause
    """
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(names) or 'none'}"
    return UsageError(f"unknown {kind} {name!r}: {hint}{'; ' + remedy if remedy else ''}")


def first_few(names: Sequence[str], count: int = 3) -> str:
    """Return the first of many names and how many more there are; three were chosen by this project."""
    more = f" and {len(names) - count} more" if len(names) > count else ""
    return ", ".join(names[:count]) + more


def together(folder: Path, faults: Sequence[FileError], remedy: str = "") -> UserError:
    """Build one error of all that is wrong with the files of a folder, kind by kind.

    Args:
        folder: that holds the files
        faults: at least one
        remedy: what else helps whatever is wrong, as a clause
    """
    more = f"; {remedy}" if remedy else ""
    if len(faults) == 1:
        return UserError(f"{faults[0]}{more}")
    kinds: dict[tuple[str, str], list[str]] = {}
    for fault in faults:
        name = _below(folder, fault.path) + (f" ({fault.detail})" if fault.detail else "")
        kinds.setdefault((fault.kind, fault.remedy), []).append(name)
    lines = (
        f"{len(names)} x {kind}: {first_few(names, MOST_NAMED)}: {cure}"
        for (kind, cure), names in kinds.items()
    )
    return UserError(f"{printable(folder)}: {len(faults)} files are wrong: {'; '.join(lines)}{more}")


def _below(folder: Path, path: object) -> str:
    inside = isinstance(path, Path) and path.is_relative_to(folder)
    return printable(path.relative_to(folder) if inside and isinstance(path, Path) else path)


def printable(path: object) -> str:
    """Return a path as text that can be printed and encoded, with bytes that are not UTF-8 as escapes."""
    return os.fsencode(str(path)).decode(errors="backslashreplace")


def reason(error: Exception) -> str:
    """Return in one line why something failed: of pydantic's errors the first, of the system's its text."""
    if isinstance(error, ValidationError):
        mistake = first_mistake(error)
        return f"{mistake.key}: {mistake.message}"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return " ".join(str(error).split()) or type(error).__name__


@dataclass(frozen=True)
class Mistake:
    """A mistake in some values.

    Attributes:
        path: keys and indices from the top, such as ("budget", "steps")
        kind: pydantic's name of the mistake, such as "missing" or "extra_forbidden"
        value: the value that was refused
        message: what is wrong, in pydantic's words
    """

    path: tuple[str | int, ...]
    kind: str
    value: object
    message: str

    @property
    def key(self) -> str:
        """The path with dots between its parts; "content" for the values as a whole."""
        return ".".join(map(str, self.path)) or "content"

    def __str__(self) -> str:
        if self.kind == "missing":
            return f"{self.key} is missing"
        if self.kind == "extra_forbidden":
            return f"unknown key {self.key}"
        return f"{self.key}={self.value!r}: {self.message}"


def first_mistake(error: ValidationError) -> Mistake:
    """Return the first mistake of those that pydantic has found."""
    first = error.errors(include_url=False)[0]
    # Errors raised by validators of this project need no introduction.
    message = str(first["msg"]).removeprefix("Value error, ")
    return Mistake(tuple(first["loc"]), first["type"], first.get("input"), message)

"""Errors that a user can cause; their messages are one line with the value, the file and the remedy."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import ValidationError

MOST_NAMED = 10
"""Maximum number of files that a message names for each kind of fault; chosen by this project."""


class UserError(Exception):
    """An error in the user's files or machine; the message says what is wrong and how to fix it.

    The command line prints only the message, and exits with `exit_status`.
    """

    exit_status = 1


class DiskError(UserError):
    """A file cannot be written.

    Attributes:
        number: the system's error number (`errno`), or None if there is none
    """

    def __init__(self, message: str, number: int | None) -> None:
        super().__init__(message)
        self.number = number


class FileError(UserError):
    """An error in one of the user's files; errors of the same kind can be reported together.

    Attributes:
        path: the file
        kind: what is wrong, in the same wording for every such file
        remedy: what to do about it; may be empty
        detail: what is specific to this file; may be empty
    """

    def __init__(self, path: object, kind: str, remedy: str, detail: str = "", alone: str = "") -> None:
        """Build the message; `alone` replaces kind and detail if this is the only file in the message."""
        self.path, self.kind, self.remedy, self.detail = path, kind, remedy, detail
        what = alone or kind + (f" ({detail})" if detail else "")
        super().__init__(f"{printable(path)}: {what}{': ' * bool(remedy)}{remedy}")


class UsageError(UserError):
    """An error in the command itself, such as an unknown name or an option out of range."""

    exit_status = 2


def unknown_name(kind: str, name: str, known: Iterable[str], remedy: str = "") -> UsageError:
    """Return the error for an unknown name, which suggests the most similar known names.

    Args:
        kind: what the name stands for, such as "method"
        name: the unknown name
        known: all valid names
        remedy: what else to try, as a clause
    """
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(names) or 'none'}"
    return UsageError(f"unknown {kind} {name!r}: {hint}{'; ' + remedy if remedy else ''}")


def first_few(names: Sequence[str], count: int = 3) -> str:
    """Return the first `count` names, and the number of further ones, as text."""
    more = f" and {len(names) - count} more" if len(names) > count else ""
    return ", ".join(names[:count]) + more


def together(folder: Path, faults: Sequence[FileError], remedy: str = "") -> UserError:
    """Return one error that lists all faults of the files in a folder, grouped by kind.

    Args:
        folder: the folder with the files
        faults: the faults, at least one
        remedy: a remedy for all kinds of fault, as a clause
    """
    more = f"; {remedy}" if remedy else ""
    if len(faults) == 1:
        return UserError(f"{faults[0]}{more}")
    kinds: dict[tuple[str, str], list[str]] = {}
    for fault in faults:
        name = _below(folder, fault.path) + (f" ({fault.detail})" if fault.detail else "")
        kinds.setdefault((fault.kind, fault.remedy), []).append(name)
    lines = [
        f"{len(names)} x {kind}: {first_few(names, MOST_NAMED)}{': ' * bool(cure)}{cure}"
        for (kind, cure), names in kinds.items()
    ]
    if len(lines) > MOST_NAMED:
        lines[MOST_NAMED:] = [f"and {len(lines) - MOST_NAMED} other kinds of fault"]
    return UserError(f"{printable(folder)}: {len(faults)} files are wrong: {'; '.join(lines)}{more}")


def _below(folder: Path, path: object) -> str:
    whole = Path(str(path))
    return printable(whole.relative_to(folder) if whole.is_relative_to(folder) else path)


def printable(path: object) -> str:
    """Return a path as text of one line, with control characters and bytes that are not UTF-8 escaped."""
    text = os.fsencode(str(path)).decode(errors="backslashreplace")
    return re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", lambda found: repr(found[0])[1:-1], text)


def reason(error: Exception) -> str:
    """Return the reason of a failure in one line: pydantic's first error, or the text of a system error."""
    # Imported here, so that the command line's help starts quickly.
    from pydantic import ValidationError

    if isinstance(error, ValidationError):
        mistake = first_mistake(error)
        return f"{mistake.key}: {mistake.message}"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return " ".join(str(error).split()) or type(error).__name__


@dataclass(frozen=True)
class Mistake:
    """A mistake that pydantic found while validating values.

    Attributes:
        path: keys and indices from the outermost value, such as ("budget", "steps")
        kind: pydantic's name for the mistake, such as "missing" or "extra_forbidden"
        value: the value that was refused
        message: pydantic's message
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
    """Return the first mistake that pydantic has found; a key that is missing may be one that is misspelt."""
    first = min(error.errors(include_url=False), key=lambda mistake: mistake["type"] == "missing")
    # pydantic adds this prefix to errors of this project's validators.
    message = str(first["msg"]).removeprefix("Value error, ").replace("a valid tuple", "a list")
    return Mistake(tuple(first["loc"]), first["type"], first.get("input"), message)

"""The errors a user can cause: one clear line each, with the value, the file and the remedy."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

from pydantic import ValidationError


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
    """Return the first of many names, for a message; three were chosen by this project."""
    return ", ".join(names[:count]) + (", ..." if len(names) > count else "")


def reason(error: Exception) -> str:
    """Return in one line why something failed: of pydantic's errors the first, of the system's its text."""
    if isinstance(error, ValidationError):
        path, message = first_mistake(error)
        return f"{path or 'content'}: {message}"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return " ".join(str(error).split()) or type(error).__name__


def first_mistake(error: ValidationError) -> tuple[str, str]:
    """Return the dotted path of the first value that pydantic refused, and what is wrong with it."""
    first = error.errors(include_url=False)[0]
    return ".".join(str(part) for part in first["loc"]), first["msg"]

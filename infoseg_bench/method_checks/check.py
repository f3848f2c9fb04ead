"""What a check is, and how all of them are done."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from infoseg_bench.method_checks.subject import Subject


class CheckFailed(Exception):
    """The method does not do what the check wants; the message says what it does instead."""


@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing that every method must do.

    Attributes:
        title: what holds, as a sentence without its full stop
        remedy: what to change where it does not
        test: raises where it does not hold; gives the reason where it does not apply to the method
    """

    title: str
    remedy: str
    test: Callable[[Subject], str | None]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a check ended: `reason` is empty unless it failed or does not apply."""

    check: Check
    ending: Literal["ok", "failed", "not for it"]
    reason: str = ""


def require(holds: bool, otherwise: str) -> None:
    """Raise where something does not hold.

    Raises:
        CheckFailed: with the message `otherwise`
    """
    if not holds:
        raise CheckFailed(otherwise)


def do_checks(subject: Subject, checks: Sequence[Check]) -> Iterator[Outcome]:
    """Do one check after the other; whatever a method raises fails that check alone."""
    for check in checks:
        # Somebody else's code runs here.
        try:
            reason = check.test(subject)
        except Exception as error:
            kind = "" if isinstance(error, CheckFailed) else f"{type(error).__name__}: "
            reason = kind + " ".join(str(error).split())[:300]
            yield Outcome(check=check, ending="failed", reason=reason)
        else:
            yield Outcome(check=check, ending="not for it" if reason else "ok", reason=reason or "")

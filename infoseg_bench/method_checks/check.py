"""The types `Check` and `Outcome`, and a function that runs checks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from infoseg_bench.method_checks.subject import Subject


class CheckFailed(Exception):
    """Raised if a method fails a check; the message says what it does wrong."""


@dataclass(frozen=True, kw_only=True)
class Check:
    """One requirement on methods.

    Attributes:
        title: the requirement, as a sentence without full stop
        remedy: what to change if a method fails it
        test: raises an exception if the method fails; returns the reason if the check does not apply
    """

    title: str
    remedy: str
    test: Callable[[Subject], str | None]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a check ended: `reason` is empty unless it failed or does not apply."""

    check: Check
    ending: Literal["ok", "failed", "not applicable"]
    reason: str = ""


def require(condition: bool, message: str) -> None:
    """Fail the check with a message unless a condition is true.

    Raises:
        CheckFailed: the condition is false
    """
    if not condition:
        raise CheckFailed(message)


def do_checks(subject: Subject, checks: Sequence[Check]) -> Iterator[Outcome]:
    """Run checks one after the other; an exception of the method fails only the first check that meets it."""
    raised: set[str] = set()
    for check in checks:
        # The method, whose code is not the project's, can raise anything.
        try:
            reason = check.test(subject)
        except Exception as error:
            reason = " ".join(str(error).split())[:300]
            if isinstance(error, CheckFailed):
                yield Outcome(check=check, ending="failed", reason=reason)
                continue
            reason = f"{type(error).__name__}: {reason}".removesuffix(": ")
            if reason in raised:
                yield Outcome(check=check, ending="not applicable", reason="it raises the error above")
            else:
                yield Outcome(check=check, ending="failed", reason=reason)
            raised.add(reason)
        else:
            yield Outcome(check=check, ending="not applicable" if reason else "ok", reason=reason or "")

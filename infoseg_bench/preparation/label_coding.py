"""From the codes in label maps to stored class indices."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, UInt8

from infoseg_bench.data.view import UNLABELLED, VOID
from infoseg_bench.errors import FileError, UsageError, first_few
from infoseg_bench.images.palette import Colour, default_palette

CODES = 256
"""Label maps have 8 bits."""


@dataclass(frozen=True, kw_only=True)
class LabelCoding:
    """What every code of a label map stands for.

    Attributes:
        classes: names, in the order of the class index
        palette: one colour per class
        stored: code to what the store keeps: class index, VOID or UNLABELLED
        known: False for codes that must not occur
        remedy: what to do about one that does
    """

    classes: tuple[str, ...]
    palette: tuple[Colour, ...]
    stored: UInt8[np.ndarray, " 256"]
    known: Bool[np.ndarray, " 256"]
    remedy: str

    def apply(
        self, labels: UInt8[np.ndarray, "height width"], path: Path
    ) -> UInt8[np.ndarray, "height width"]:
        """Turn codes into stored labels.

        Raises:
            FileError: a code that has no class; `path` is the file it came from
        """
        strange = np.flatnonzero(np.bincount(labels.ravel(), minlength=CODES).astype(bool) & ~self.known)
        if len(strange):
            values = first_few([str(code) for code in strange], 5)
            alone = f"no class for label value {values}"
            raise FileError(path, "label values of no class", self.remedy, values, alone)
        return np.asarray(self.stored[labels])


def coding(
    names: tuple[str, ...],
    codes: dict[int, int],
    *,
    palette: tuple[Colour, ...] | None = None,
    other_is_void: bool = False,
    remedy: str,
) -> LabelCoding:
    """Make a coding.

    Args:
        names: of the classes
        codes: code to class index, VOID or UNLABELLED
        palette: one colour per class; without it, default ones
        other_is_void: whether codes that are not in `codes` are void rather than errors
        remedy: what to do about a code that is an error
    """
    stored = np.full(CODES, VOID, dtype=np.uint8)
    known = np.full(CODES, other_is_void)
    for code, value in codes.items():
        stored[code], known[code] = value, True
    return LabelCoding(
        classes=names,
        palette=palette or default_palette(len(names)),
        stored=stored,
        known=known,
        remedy=remedy,
    )


def coding_of_names(classes: str, void: str) -> LabelCoding:
    """Make the coding of plain label maps, where value i is the i-th class.

    Args:
        classes: names, separated by commas
        void: label values that are never scored, separated by commas; may be empty

    Raises:
        UsageError: fewer than two classes, a name twice, or a void value that is none or a class's
    """
    names = tuple(name.strip() for name in classes.split(","))
    check_names(names, f"--classes {classes!r}")
    codes = {index: index for index in range(len(names))}
    for value in _void_values(void):
        if value in codes:
            raise UsageError(
                f"--void {value} is also the value of class {names[value]!r}: values count from 0 in the "
                "order of --classes; where they do not, use --class-map"
            )
        codes[value] = VOID
    last = len(names) - 1
    remedy = (
        f"values 0 to {last} are {', '.join(names)}; add it to --classes or to --void, or use --class-map"
    )
    return coding(names, codes, remedy=remedy)


def check_names(names: tuple[str, ...], where: str) -> None:
    """Check class names; `where` they stand begins the message.

    Raises:
        UsageError: fewer than two, more than can be stored, an empty one, or one twice
    """
    if not 2 <= len(names) <= UNLABELLED:
        raise UsageError(f"{where}: {len(names)} class names: give 2 to {UNLABELLED}")
    if not all(names):
        raise UsageError(f"{where}: an empty class name: name every class")
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise UsageError(f"{where}: class {twice!r} is named twice: give every class its own name")


def _void_values(text: str) -> list[int]:
    values = [value.strip() for value in text.split(",") if value.strip()]
    for value in values:
        if not (value.isdecimal() and int(value) < CODES):
            raise UsageError(f"--void {text!r}: {value!r} is not a label value: give numbers of 0 to 255")
    return [int(value) for value in values]

"""Converts the codes or colours in label maps to stored class indices."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Bool, Int16, UInt8

from infoseg_bench.data.view import UNLABELLED, VOID
from infoseg_bench.errors import FileError, UsageError, first_few
from infoseg_bench.images.label_images import Colour, open_labels, read_label_colours
from infoseg_bench.images.palette import default_palette
from infoseg_bench.utils.source_files import OfficialFile
from infoseg_bench.utils.text import plural

CODES = 256
"""Number of codes of a label map of 8 bits."""

STRANGE = -1
"""Entry for colours without a meaning in a table of colours."""

MANY = 64
"""Number of distinct values without a class above which a label map is taken for a photo; chosen by this
project."""

VALUE = r"[0-9]{1,3}|#[0-9a-fA-F]{6}"
"""A label value as users write it: a number or a colour."""

Other = Literal["nearest", "void", "error"]
"""How values without a class are treated: as errors, as void, or like the nearest colour of a class."""


@dataclass(frozen=True, kw_only=True)
class CodedLabels:
    """The labels of one label map.

    Attributes:
        stored: class index, VOID or UNLABELLED
        void: number of pixels by value in the file, for values that are not scored
        strange: number of pixels whose value has no class; they are void or like the nearest colour
        palette: colours of the indices that occur, if the file has a palette and its indices are used
    """

    stored: UInt8[np.ndarray, "height width"]
    void: Mapping[str, int] = field(default_factory=dict)
    strange: int = 0
    palette: Mapping[int, Colour] | None = None


@dataclass(frozen=True, kw_only=True)
class LabelCoding:
    """The meaning of every code, or every colour, in label maps.

    Attributes:
        classes: class names, in the order of the class index
        palette: one colour per class, for display
        stored: stored value of each code: class index, VOID or UNLABELLED
        named: False for codes that are neither those of a class nor named as void or unlabelled
        colours: stored value of each colour; None if codes are used
        other: how other codes and colours are treated
        remedy: what to do about one that is an error
    """

    classes: tuple[str, ...]
    palette: tuple[Colour, ...]
    stored: UInt8[np.ndarray, " 256"]
    named: Bool[np.ndarray, " 256"]
    colours: Mapping[Colour, int] | None = None
    other: Other = "error"
    remedy: str

    @property
    def known(self) -> Bool[np.ndarray, " 256"]:
        """Which codes may occur."""
        return self.named | (self.other != "error")

    @property
    def identity(self) -> str:
        """A text that changes with what is stored for any label map."""
        colours = sorted((self.colours or {}).items())
        return repr((self.classes, self.stored.tolist(), self.named.tolist(), colours, self.other))

    def read(self, path: Path | OfficialFile, *, upright: bool = False) -> CodedLabels:
        """Read a label map and convert it; `upright` turns it as its EXIF orientation says.

        Raises:
            FileError: it cannot be read, or has a value without a class
        """
        if self.colours is not None:
            return self.apply_colours(read_label_colours(path, upright=upright), path)
        image = open_labels(path, upright=upright)
        counts = np.bincount(image.codes.ravel(), minlength=CODES)
        strange = np.flatnonzero((counts > 0) & ~self.named)
        void = np.flatnonzero((counts > 0) & (self.stored >= UNLABELLED))
        return CodedLabels(
            stored=self.apply(image.codes, path),
            void={str(code): int(counts[code]) for code in void},
            strange=int(counts[strange].sum()),
            palette=image.palette,
        )

    def apply(
        self, labels: UInt8[np.ndarray, "height width"], path: object
    ) -> UInt8[np.ndarray, "height width"]:
        """Convert codes to stored labels.

        Raises:
            FileError: a code without a class; `path` is the file with the codes
        """
        occurs = np.bincount(labels.ravel(), minlength=CODES).astype(bool)
        strange = np.flatnonzero(occurs & ~self.known)
        unnamed = int(np.count_nonzero(occurs & ~self.named))
        if unnamed > MANY:
            raise looks_like_a_photo(path, unnamed)
        if len(strange):
            raise self._no_class(path, [str(code) for code in strange])
        return np.asarray(self.stored[labels])

    def apply_colours(self, labels: UInt8[np.ndarray, "height width 3"], path: object) -> CodedLabels:
        """Convert colours to stored labels.

        Raises:
            FileError: a colour without a class, if `other` is "error"; or too many of them
        """
        numbers = _numbers(labels)
        stored = self._table[numbers]
        unknown = stored == STRANGE
        strange = int(np.count_nonzero(unknown))
        if strange:
            values, inverse, counts = np.unique(numbers[unknown], return_inverse=True, return_counts=True)
            colours = np.stack([values >> 16, values >> 8 & 255, values & 255], axis=-1)
            if len(values) > MANY and (self.other != "nearest" or 2 * strange > numbers.size):
                raise looks_like_a_photo(path, len(values))
            if self.other == "error":
                frequent = colours[np.argsort(-counts, kind="stable")]
                raise self._no_class(path, [_hex(colour) for colour in frequent], "colour")
            stored[unknown] = VOID if self.other == "void" else self._nearest(colours)[inverse]
        result = stored.astype(np.uint8)
        return CodedLabels(stored=result, void=_void_colours(numbers, result), strange=strange)

    def _no_class(self, path: object, values: Sequence[str], kind: str = "value") -> FileError:
        shown = first_few(values, 5)
        alone = f"no class for label {kind} {shown}"
        return FileError(path, f"label {kind}s without a class", self.remedy, shown, alone)

    def _nearest(self, colours: np.ndarray) -> Int16[np.ndarray, " colour"]:
        """Return the meaning of the nearest named colour in RGB; the first one if there are several."""
        named = np.array(list(self.colours or ()), dtype=np.int64)
        distance = ((colours[:, None, :].astype(np.int64) - named[None]) ** 2).sum(axis=-1)
        meanings = np.array(list((self.colours or {}).values()), dtype=np.int16)
        return np.asarray(meanings[distance.argmin(axis=1)])

    @cached_property
    def _table(self) -> Int16[np.ndarray, " colour"]:
        table = np.full(1 << 24, STRANGE, dtype=np.int16)
        for (red, green, blue), meaning in (self.colours or {}).items():
            table[red << 16 | green << 8 | blue] = meaning
        return table


def coding(
    names: tuple[str, ...],
    codes: Mapping[int, int],
    *,
    palette: tuple[Colour, ...] | None = None,
    colours: Mapping[Colour, int] | None = None,
    other: Other = "error",
    remedy: str,
) -> LabelCoding:
    """Return a coding.

    Args:
        names: class names
        codes: class index, VOID or UNLABELLED for each code
        palette: one colour per class; None: default colours
        colours: class index, VOID or UNLABELLED for each colour, if label maps are coded by colour
        other: how other codes and colours are treated
        remedy: what to do about one that is an error, for messages
    """
    stored = np.full(CODES, VOID, dtype=np.uint8)
    named = np.zeros(CODES, dtype=bool)
    for code, value in codes.items():
        stored[code], named[code] = value, True
    return LabelCoding(
        classes=names,
        palette=palette or default_palette(len(names)),
        stored=stored,
        named=named,
        colours=colours,
        other=other,
        remedy=remedy,
    )


def coding_of_names(classes: str, void: str | None) -> LabelCoding:
    """Return the coding given by the options `--classes` and `--void`.

    Args:
        classes: class names with optional values, between commas or in lines: "road,car" (values 0 and 1),
            "road=0,car=255" or "road=#804080,car=#00008e"
        void: codes or colours that are never scored, separated by commas; may be empty. None: 255, unless
            this is the value of a class

    Raises:
        UsageError: fewer than two classes, a repeated name or value, or an invalid void value
    """
    where = f"--classes {classes!r}"
    parts = re.split(r",|\r?\n", classes.strip().removeprefix("\ufeff"))
    pairs = [_named_value(part.strip(), where) for part in parts]
    names = tuple(name for name, _ in pairs)
    check_names(names, where)
    given = [value for _, value in pairs if value is not None]
    if given and len(given) < len(pairs):
        raise UsageError(f"{where}: some classes have no value: give one to every class or to none")
    values = [_value(value, where) for value in given] or list(range(len(names)))
    twice = next((value for value in values if values.count(value) > 1), None)
    if twice is not None:
        raise UsageError(f"{where}: {twice} stands for two classes: give every class its own value")
    meanings: dict[Colour | int, int] = {value: index for index, value in enumerate(values)}
    if void is None:
        void = "" if 255 in meanings or not isinstance(values[0], int) else "255"
    _add_void(void, meanings, names)
    return _coding_of_values(meanings, names, where)


def _coding_of_values(
    meanings: Mapping[Colour | int, int], names: tuple[str, ...], where: str
) -> LabelCoding:
    codes = {value: meaning for value, meaning in meanings.items() if isinstance(value, int)}
    colours = {value: meaning for value, meaning in meanings.items() if not isinstance(value, int)}
    if codes and colours:
        raise UsageError(f"{where}: values and colours mixed: give numbers or colours such as #804080")
    if colours:
        palette = tuple(colour for colour, meaning in colours.items() if meaning < len(names))
        remedy = 'add it to --classes or to --void, or use a class map with other = "nearest" or "void"'
        return coding(names, {}, palette=palette, colours=colours, remedy=remedy)
    by_code = sorted(code for code, meaning in codes.items() if meaning < len(names))
    first, last = by_code[0], by_code[-1]
    plain = by_code == list(range(first, last + 1))
    which = f"values {first} to {last}" if plain else f"values {', '.join(map(str, by_code))}"
    remedy = f"{which} are {', '.join(names)}; add it to --classes or to --void, or use --class-map"
    return coding(names, codes, remedy=remedy)


def _add_void(text: str, meanings: dict[Colour | int, int], names: tuple[str, ...]) -> None:
    for part in (value.strip() for value in text.split(",") if value.strip()):
        if not re.fullmatch(VALUE, part):
            raise UsageError(
                f"--void {text!r}: {part!r} is not a label value: give numbers of 0 to 255, or colours such "
                "as #804080"
            )
        value = _value(part, f"--void {text!r}")
        if meanings.get(value, VOID) < len(names):
            raise UsageError(
                f"--void {part} is also the value of class {names[meanings[value]]!r}: by default, classes "
                "have the values 0, 1, ... in order; for others use NAME=VALUE or --class-map"
            )
        meanings[value] = VOID


def _named_value(part: str, where: str) -> tuple[str, str | None]:
    """Return the name and the value of "road=0", and no value of "road"."""
    name, sign, value = (text.strip() for text in part.rpartition("="))
    if sign and "=" not in name and re.fullmatch(VALUE, value):
        return name, value
    if not sign and not re.search(rf":\s*({VALUE})$", part):
        return part, None
    raise UsageError(
        f"{where}: {part!r} gives no label value: write NAME=VALUE, with values of 0 to 255 or like #804080"
    )


def _value(text: str, where: str) -> Colour | int:
    if text.startswith("#"):
        return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)
    if int(text) >= CODES:
        raise UsageError(f"{where}: {text!r} is not a label value: give numbers of 0 to 255")
    return int(text)


def check_names(names: tuple[str, ...], where: str) -> None:
    """Check class names; error messages begin with `where`.

    Raises:
        UsageError: fewer than two, more than can be stored, an empty one, or one twice
    """
    if not 2 <= len(names) <= UNLABELLED:
        hint = ", separated by commas" if len(names) == 1 else ""
        raise UsageError(f"{where}: {plural(len(names), 'class name')}: give 2 to {UNLABELLED}{hint}")
    if not all(names):
        raise UsageError(f"{where}: an empty class name: name every class")
    if unfit := next((name for name in names if not name.isprintable() or name != name.strip()), None):
        raise UsageError(f"{where}: class {unfit!r}: write names in one line, without blanks at their ends")
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise UsageError(f"{where}: class {twice!r} is named twice: give every class its own name")


def looks_like_a_photo(path: object, values: int, remedy: str = "") -> FileError:
    """Return the error for a label map of so many values without a class that it can be none."""
    alone = f"{values} different values without a class, as in a photo"
    remedy = remedy or "use label maps, saved without loss and without smoothed edges"
    return FileError(path, "label map that looks like a photo", remedy, alone, alone)


def _numbers(colours: UInt8[np.ndarray, "height width 3"]) -> np.ndarray:
    red, green, blue = (colours[..., band].astype(np.int32) for band in range(3))
    return red << 16 | green << 8 | blue


def _void_colours(numbers: np.ndarray, stored: np.ndarray) -> dict[str, int]:
    values, counts = np.unique(numbers[stored >= UNLABELLED], return_counts=True)
    found = zip(values, counts, strict=True)
    return {f"#{value:06x}": int(count) for value, count in found}


def _hex(colour: np.ndarray) -> str:
    return f"#{colour[0]:02x}{colour[1]:02x}{colour[2]:02x}"

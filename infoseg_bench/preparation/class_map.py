"""Class maps: TOML files that map the codes in label maps to classes.

title = "COCO-Stuff-3: sky, plant and ground"
unlabelled = [255]   # pixels without annotation
void = []            # labelled, but as none of the classes
other = "void"       # any other code: "void" or "error"

[[classes]]
name = "sky"
codes = [105, 156]
colour = [135, 206, 235]   # shown in reports; for all classes, or for none

If label maps are coded by colour, classes have `colours` instead of `codes`:

void_colours = [[224, 224, 192]]
other = "nearest"    # any other colour: "error", "void", or the meaning of the nearest named colour

[[classes]]
name = "road"
colours = [[128, 64, 128], "#f423e8"]
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BeforeValidator, Field

from infoseg_bench.contracts.parameters import Parameters
from infoseg_bench.data.view import UNLABELLED, VOID
from infoseg_bench.errors import UsageError, UserError, printable, unknown_name
from infoseg_bench.images.palette import Colour
from infoseg_bench.preparation.label_coding import LabelCoding, Other, check_names, coding
from infoseg_bench.utils.text import read_text

Value = TypeVar("Value")
Byte = Annotated[int, Field(ge=0, le=255)]


def _from_hexadecimal(value: Any) -> Any:
    return tuple(bytes.fromhex(value[1:])) if re.fullmatch(r"#[0-9a-fA-F]{6}", str(value)) else value


MapColour = Annotated[tuple[Byte, Byte, Byte], BeforeValidator(_from_hexadecimal)]
"""Red, green and blue, or text such as "#804080"."""


class MappedClass(Parameters):
    """One class of a class map."""

    name: str
    codes: tuple[Byte, ...] = ()
    colours: tuple[MapColour, ...] = ()
    colour: MapColour | None = None


class ClassMap(Parameters):
    """The content of a class map file."""

    title: str = ""
    unlabelled: tuple[Byte, ...] = ()
    void: tuple[Byte, ...] = ()
    void_colours: tuple[MapColour, ...] = ()
    other: Other = "error"
    classes: tuple[MappedClass, ...]


def read_class_map(name: str, shipped: Path) -> LabelCoding:
    """Read a class map.

    Args:
        name: a TOML file, or the name of a class map in the folder `shipped`
        shipped: the folder of the class maps that come with the package

    Raises:
        UserError: no such class map, it is not TOML, or a code has two meanings
    """
    path = Path(name) if name.endswith(".toml") else shipped / f"{name}.toml"
    if not path.is_file() and not name.endswith(".toml"):
        remedy = "or use a file that ends in .toml"
        raise unknown_name("class map", name, (file.stem for file in shipped.glob("*.toml")), remedy)
    try:
        values = tomllib.loads(read_text(path, "class map"))
    except ValueError as error:
        raise UserError(f"{printable(path)}: not a TOML file ({error}): correct that line") from None
    return _coding(ClassMap.parse(values, f"class map {path}"), path)


def _coding(class_map: ClassMap, path: Path) -> LabelCoding:
    names = tuple(entry.name for entry in class_map.classes)
    check_names(names, str(path))
    by_colour = any(entry.colours for entry in class_map.classes)
    key = "colours" if by_colour else "codes"
    without = [entry.name for entry in class_map.classes if not getattr(entry, key)]
    if without or (by_colour and any(entry.codes for entry in class_map.classes)):
        who = without[0] if without else names[0]
        raise UsageError(f"{path}: class {who!r}: give every class codes, or every class colours")
    if by_colour and (class_map.void or class_map.unlabelled):
        raise UsageError(f"{path}: void and unlabelled are codes: with colours, use void_colours")
    if class_map.void_colours and not by_colour:
        raise UsageError(f"{path}: void_colours are colours: with codes, use void")
    if class_map.other == "nearest" and not by_colour:
        raise UsageError(f'{path}: other = "nearest" needs colours: use "void" or "error"')
    wider = '"nearest" or "void"' if by_colour else '"void"'
    remedy = f"add it to the class map {path.name}, or set other = {wider} in it"
    meanings = [(getattr(entry, key), index) for index, entry in enumerate(class_map.classes)]
    if by_colour:
        colours = _meanings([*meanings, (class_map.void_colours, VOID)], "colour", path)
        palette = _palette(class_map, path) or tuple(entry.colours[0] for entry in class_map.classes)
        return coding(names, {}, palette=palette, colours=colours, other=class_map.other, remedy=remedy)
    codes = _meanings([*meanings, (class_map.void, VOID), (class_map.unlabelled, UNLABELLED)], "code", path)
    return coding(names, codes, palette=_palette(class_map, path), other=class_map.other, remedy=remedy)


def _meanings(groups: Sequence[tuple[Sequence[Value], int]], kind: str, path: Path) -> dict[Value, int]:
    found: dict[Value, int] = {}
    for group, meaning in groups:
        for value in group:
            if value in found:
                raise UsageError(f"{path}: {kind} {value} is named twice: give every {kind} one meaning")
            found[value] = meaning
    return found


def _palette(class_map: ClassMap, path: Path) -> tuple[Colour, ...] | None:
    colours = tuple(entry.colour for entry in class_map.classes if entry.colour is not None)
    if colours and len(colours) < len(class_map.classes):
        raise UsageError(f"{path}: some classes have no colour: give one to every class or to none")
    return colours or None

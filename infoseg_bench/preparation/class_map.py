"""Class maps: TOML files that say which codes of a label map make up which class.

title = "COCO-Stuff-3: sky, plant and ground"
unlabelled = [255]   # nobody has labelled these pixels
void = []            # labelled, but as none of the classes
other = "void"       # any other code: "void" or "error"

[[classes]]
name = "sky"
codes = [105, 156]
colour = [135, 206, 235]   # for all classes, or for none
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from infoseg_bench.contracts.parameters import Parameters
from infoseg_bench.data.view import UNLABELLED, VOID
from infoseg_bench.errors import UsageError, UserError, unknown_name
from infoseg_bench.images.palette import Colour
from infoseg_bench.preparation.label_coding import LabelCoding, check_names, coding
from infoseg_bench.utils.disk import read_error

Byte = Annotated[int, Field(ge=0, le=255)]


class MappedClass(Parameters):
    """One class of a class map."""

    name: str
    codes: tuple[Byte, ...] = Field(min_length=1)
    colour: tuple[Byte, Byte, Byte] | None = None


class ClassMap(Parameters):
    """A class map as it stands in its file."""

    title: str = ""
    unlabelled: tuple[Byte, ...] = ()
    void: tuple[Byte, ...] = ()
    other: Literal["void", "error"] = "error"
    classes: tuple[MappedClass, ...]


def read_class_map(name: str, shipped: Path) -> LabelCoding:
    """Read a class map.

    Args:
        name: a TOML file, or the name of a class map in the folder `shipped`
        shipped: the folder of the class maps that come with the package

    Raises:
        UserError: no such class map, not TOML, or a code with two meanings
    """
    path = Path(name) if name.endswith(".toml") else shipped / f"{name}.toml"
    if not path.is_file() and not name.endswith(".toml"):
        remedy = "or give a file that ends in .toml"
        raise unknown_name("class map", name, (file.stem for file in shipped.glob("*.toml")), remedy)
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise read_error(error, path, "the class map") from None
    except ValueError as error:
        raise UserError(f"{path}: not a TOML file ({error}): mend that line") from None
    return _coding(ClassMap.parse(values, f"class map {path}"), path)


def _coding(class_map: ClassMap, path: Path) -> LabelCoding:
    names = tuple(entry.name for entry in class_map.classes)
    check_names(names, str(path))
    remedy = f'name it in the class map {path.name}, or let the map say other = "void"'
    return coding(
        names,
        _codes(class_map, path),
        palette=_palette(class_map, path),
        other_is_void=class_map.other == "void",
        remedy=remedy,
    )


def _codes(class_map: ClassMap, path: Path) -> dict[int, int]:
    meanings = [(entry.codes, index) for index, entry in enumerate(class_map.classes)]
    codes: dict[int, int] = {}
    for group, meaning in (*meanings, (class_map.void, VOID), (class_map.unlabelled, UNLABELLED)):
        for code in group:
            if code in codes:
                raise UsageError(f"{path}: code {code} is named twice: give every code one meaning")
            codes[code] = meaning
    return codes


def _palette(class_map: ClassMap, path: Path) -> tuple[Colour, ...] | None:
    colours = tuple(entry.colour for entry in class_map.classes if entry.colour is not None)
    if colours and len(colours) < len(class_map.classes):
        raise UsageError(f"{path}: some classes have no colour: give one to every class or to none")
    return colours or None

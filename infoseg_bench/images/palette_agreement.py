"""Whether palette images of one set mean the same by the same index."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from infoseg_bench.images.label_images import Colour


class PaletteAgreement:
    """Compares the palettes of label maps by the indices that occur, one label map at a time."""

    def __init__(self) -> None:
        """Begin with nothing seen."""
        self._colours: dict[int, tuple[Colour, str]] = {}
        self._indices: dict[Colour, tuple[int, str]] = {}
        self.conflict = ""
        """A colour that stands for different indices; empty where there is none."""
        self.difference = ""
        """An index that has different colours; empty where there is none."""
        self.differing = 0
        """Label maps with such an index or colour."""

    def add(self, name: str, palette: Mapping[int, Colour] | None) -> None:
        """Compare one more label map; one without palette agrees with all."""
        if palette is None:
            return
        once = {colour for colour, count in Counter(palette.values()).items() if count == 1}
        differs = False
        for index, colour in palette.items():
            before, first = self._colours.setdefault(index, (colour, name))
            if before != colour:
                differs = True
                self.difference = self.difference or (
                    f"value {index} is {_hex(before)} in {first} and {_hex(colour)} in {name}"
                )
            if colour not in once:
                continue
            other, first = self._indices.setdefault(colour, (index, name))
            if other != index:
                self.conflict = self.conflict or (
                    f"{_hex(colour)} is value {other} in {first} and value {index} in {name}"
                )
        self.differing += differs


def _hex(colour: Colour) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)

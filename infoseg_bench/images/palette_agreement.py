"""Check that palette images of one data set use the same index for the same colour."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from infoseg_bench.images.label_images import Colour
from infoseg_bench.utils.text import plural


class PaletteAgreement:
    """Compares the palettes of label maps, one label map at a time, for the indices that occur."""

    def __init__(self) -> None:
        """Start without any label map."""
        self._colours: dict[int, tuple[Colour, str]] = {}
        self._indices: dict[Colour, tuple[int, str]] = {}
        self.conflict = ""
        """The first colour found under two indices, as text; empty if there is none."""
        self.difference = ""
        """The first index found with two colours, as text; empty if there is none."""
        self.differing = 0
        """Number of label maps with an index of another colour than before."""

    @property
    def warning(self) -> str:
        """Say in one line that an index has different colours; empty where none has."""
        return self.difference and (
            f"palettes differ in {plural(self.differing, 'label map')} ({self.difference}): palette indices "
            "are used, not colours"
        )

    def add(self, name: str, palette: Mapping[int, Colour] | None) -> None:
        """Compare one more label map; `palette` is None for greyscale, which agrees with every other."""
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

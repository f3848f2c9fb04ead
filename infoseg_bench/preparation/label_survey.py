"""Plausibility checks of photos and labels: the warnings and notes of `prepare`, and refusals."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Int64

from infoseg_bench.data.view import UNLABELLED
from infoseg_bench.errors import UserError, first_few, printable
from infoseg_bench.images.palette_agreement import PaletteAgreement
from infoseg_bench.images.photos import Photo
from infoseg_bench.preparation.label_coding import CodedLabels
from infoseg_bench.preparation.statistics import ClassBalance
from infoseg_bench.utils.text import plural

MOSTLY = 0.5
"""Share of void pixels above which a label map counts as mostly void; chosen by this project."""


@dataclass(eq=False)
class _Tally:
    """The number of files that have a property, and the first of them."""

    count: int = 0
    first: str = ""

    def add(self, name: str) -> None:
        self.count += 1
        self.first = self.first or name


@dataclass(frozen=True)
class Finding:
    """Properties of one photo and its label map, without their pixels.

    Attributes:
        photo: file of the photo
        turned: whether its EXIF orientation is not upright
        deep: whether it has 16 bits per channel
        small: whether a side is shorter than the crop
        labels: file of the label map; None if there is none
        counts: number of pixels per stored label
        void: number of pixels by void value in the file
        strange: number of pixels without a class
        palette: colours of the indices that occur
    """

    photo: Path
    turned: bool = False
    deep: bool = False
    small: bool = False
    labels: Path | None = None
    counts: Int64[np.ndarray, " 256"] = field(default_factory=lambda: np.zeros(256, dtype=np.int64))
    void: dict[str, int] = field(default_factory=dict)
    strange: int = 0
    palette: dict[int, tuple[int, int, int]] | None = None

    @classmethod
    def of(
        cls, path: Path, photo: Photo, labels: Path | None, coded: CodedLabels | None, *, small: bool
    ) -> Finding:
        """Collect the properties of a photo and of its label map, if there is one."""
        if labels is None or coded is None:
            return cls(photo=path, turned=photo.turned, deep=photo.deep, small=small)
        return cls(
            photo=path,
            turned=photo.turned,
            deep=photo.deep,
            small=small,
            labels=labels,
            counts=np.bincount(coded.stored.ravel(), minlength=256),
            void=dict(coded.void),
            strange=coded.strange,
            palette=None if coded.palette is None else dict(coded.palette),
        )

    @property
    def void_share(self) -> float:
        """Return the share of the label map's pixels that are void or unlabelled, in [0, 1]."""
        return float(self.counts[UNLABELLED:].sum() / max(self.counts.sum(), 1))


class LabelSurvey:
    """Collects what was found in all photos and label maps of a data set."""

    def __init__(self, *, crop: int, upright: bool, nearest: bool) -> None:
        """Create an empty survey.

        Args:
            crop: side of the crops in pixels
            upright: whether photos are rotated as their EXIF orientation says
            nearest: whether colours without a class count as the nearest one; otherwise they are void
        """
        self._crop, self._upright, self._nearest = crop, upright, nearest
        self._turned, self._deep, self._small, self._mostly_void, self._strange = (_Tally() for _ in range(5))
        self._photos = self._labels = self._strange_pixels = 0
        self._counts = np.zeros(256, dtype=np.int64)
        self._void: Counter[str] = Counter()
        self._palettes = PaletteAgreement()

    def add(self, found: Finding) -> None:
        """Count one photo."""
        self._photos += 1
        for holds, tally in (
            (found.turned, self._turned),
            (found.deep, self._deep),
            (found.small, self._small),
        ):
            if holds:
                tally.add(printable(found.photo.name))
        if found.labels is None:
            return
        name = printable(found.labels.name)
        self._labels += 1
        self._counts += found.counts
        self._void.update(found.void)
        self._strange_pixels += found.strange
        if found.strange:
            self._strange.add(name)
        if found.void_share > MOSTLY:
            self._mostly_void.add(f"{name}, {found.void_share:.0%}")
        self._palettes.add(name, found.palette)

    def refuse(self, balance: ClassBalance, labels: Path | None) -> None:
        """Refuse labels with which any score would be wrong.

        Args:
            balance: class balance of the scored pixels
            labels: folder of the label maps; None: there are none

        Raises:
            UserError: palettes contradict each other, all labels are void, or there is only one class
        """
        if labels is None or not self._labels:
            return
        where = printable(labels)
        if self._palettes.conflict:
            raise UserError(
                f"{where}: the label maps' palettes disagree: {self._palettes.conflict}: use colours instead "
                "of indices, with --classes NAME=#rrggbb,... or a class map with colours"
            )
        if not self._counts[:UNLABELLED].any():
            raise UserError(
                f"{where}: every pixel of the {plural(self._labels, 'label map')} is void "
                f"({self._void_values}): specify the void values with --void, or the values of classes with "
                "--classes NAME=VALUE,... or --class-map"
            )
        present = [name for name, count in zip(balance.classes, self._counts, strict=False) if count]
        if len(present) == 1:
            absent = [repr(name) for name in balance.classes if name != present[0]]
            raise UserError(
                f"{where}: no pixel of {first_few(absent)} in {plural(self._labels, 'label map')}, only of "
                f"{present[0]!r}, so that a constant prediction would score 100 %{self._void_clause}: if the "
                "label maps have other values, specify them with --classes NAME=VALUE,... or --class-map"
            )

    def warnings(self, balance: ClassBalance) -> list[str]:
        """Return warnings, one line each, with counts and the first file."""
        lines = balance.warnings(self._void_clause)
        if self._mostly_void.count:
            lines.append(
                f"more than half void: {self._mostly_void.count} of {plural(self._labels, 'label map')} (the "
                f"first: {self._mostly_void.first}; {self._void_values}): void pixels are never scored"
            )
        if self._palettes.difference:
            lines.append(
                f"palettes differ in {plural(self._palettes.differing, 'label map')} "
                f"({self._palettes.difference}): palette indices are used, not colours"
            )
        if self._turned.count and self._labels:
            lines.append(self._turned_line)
        if self._small.count:
            lines.append(
                f"smaller than the crop of {self._crop} pixels: {self._small.count} of "
                f"{plural(self._photos, 'photo')} (the first: {self._small.first}): padded with black, which "
                "is never scored"
            )
        return lines

    def summary(self) -> dict[str, str]:
        """Return notes that are not warnings, as lines for the user."""
        lines = {}
        if self._turned.count and not self._labels:
            lines["EXIF"] = self._turned_line
        if self._deep.count:
            lines["16 bits"] = (
                f"{plural(self._deep.count, 'photo')} of 16 bits per channel, of which the upper 8 are kept "
                f"(the first: {self._deep.first})"
            )
        if self._strange_pixels:
            share = self._strange_pixels / self._counts.sum()
            meaning = "the nearest colour" if self._nearest else "void"
            lines["values without a class"] = (
                f"{share:.2%} of the label pixels, treated as {meaning}, in "
                f"{plural(self._strange.count, 'label map')} (the first: {self._strange.first})"
            )
        if self._void_share:
            lines["void"] = f"{self._void_share:.1%} of the label pixels ({self._void_values})"
        return lines

    @property
    def _turned_line(self) -> str:
        turned = f"{plural(self._turned.count, 'photo')} (the first: {self._turned.first})"
        if self._upright:
            return (
                f"rotated upright by their EXIF orientation: {turned}: label maps must be upright too; "
                "--exif stored does not rotate"
            )
        return f"not rotated by their EXIF orientation: {turned}"

    @property
    def _void_share(self) -> float:
        return float(self._counts[UNLABELLED:].sum() / max(self._counts.sum(), 1))

    @property
    def _void_values(self) -> str:
        pixels = self._counts.sum()
        frequent = self._void.most_common()
        return first_few([f"value {value}: {count / pixels:.0%}" for value, count in frequent])

    @property
    def _void_clause(self) -> str:
        return f"; {self._void_share:.0%} are void ({self._void_values})" if self._void_share else ""

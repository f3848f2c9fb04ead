"""Plausibility checks of photos and labels: the warnings and notes of `prepare`, and refusals."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np

from infoseg_bench.data.photo import Finding, label_counts
from infoseg_bench.errors import UserError, first_few, printable
from infoseg_bench.images.palette_agreement import PaletteAgreement
from infoseg_bench.images.photos import Photo
from infoseg_bench.preparation.label_coding import CodedLabels
from infoseg_bench.preparation.statistics import ClassBalance
from infoseg_bench.utils.source_files import OfficialFile
from infoseg_bench.utils.text import plural

MOSTLY = 0.5
"""Share of void pixels above which a label map counts as mostly void; chosen by this project."""
MOST_VOID_VALUES = 2
"""Void values per class up to which they may be a second coding of the classes; chosen by this project."""

OFFICIAL = "use the official label maps"


class _Tally:
    """The number of files that have a property, and the first of them."""

    def __init__(self) -> None:
        self.count, self.first = 0, ""

    def add(self, name: str) -> None:
        self.count += 1
        self.first = self.first or name


def finding_of(
    path: Path | OfficialFile,
    photo: Photo,
    labels: Path | OfficialFile | None,
    coded: CodedLabels | None,
    *,
    small: bool,
) -> Finding:
    """Collect what was noticed in a photo and in its label map, if there is one."""
    of_labels = {}
    if labels is not None and coded is not None:
        of_labels = {
            "labels": labels.name,
            "counts": label_counts(coded.stored),
            "void": tuple(coded.void.items()),
            "strange": coded.strange,
            "palette": None if coded.palette is None else tuple(coded.palette.items()),
        }
    facts = {"turned": photo.turned, "deep": photo.deep, "several": photo.several, "small": small}
    return Finding(photo=path.name, **facts, **of_labels)  # type: ignore[arg-type]


class LabelSurvey:
    """Collects what was found in all photos and label maps of a data set."""

    def __init__(
        self, balance: ClassBalance, *, crop: int, upright: bool, nearest: bool, own_classes: bool
    ) -> None:
        """Create an empty survey.

        Args:
            balance: class balance of the scored pixels
            crop: side of the crops in pixels
            upright: whether photos are rotated as their EXIF orientation says
            nearest: whether colours without a class count as the nearest one; otherwise they are void
            own_classes: whether the user names the classes; otherwise they are those of official files
        """
        self._balance, self._crop, self._upright, self._nearest = balance, crop, upright, nearest
        self._own_classes = own_classes
        self._turned, self._deep, self._several, self._small = (_Tally() for _ in range(4))
        self._mostly_void, self._strange = _Tally(), _Tally()
        self._photos = self._labels = self._strange_pixels = self._with_classes = 0
        self._stored = np.zeros(256, dtype=np.int64)
        self._void: Counter[str] = Counter()
        self._alone: dict[str, _Tally] = {}
        self._among_classes: set[str] = set()
        self._palettes = PaletteAgreement()

    def add(self, found: Finding) -> None:
        """Count one photo."""
        self._photos += 1
        for holds, tally in (
            (found.turned, self._turned),
            (found.deep, self._deep),
            (found.several, self._several),
            (found.small, self._small),
        ):
            if holds:
                tally.add(printable(found.photo))
        if found.labels:
            self._add_labels(found)

    def _add_labels(self, found: Finding) -> None:
        name, counts = printable(found.labels), np.zeros(256, dtype=np.int64)
        for label, count in found.counts:
            counts[label] = count
        self._labels += 1
        self._stored += counts
        self._void.update(dict(found.void))
        self._strange_pixels += found.strange
        if found.strange:
            self._strange.add(name)
        of_classes = self._balance.of_classes(counts)
        void = 1 - of_classes.sum() / max(counts.sum(), 1)
        if void > MOSTLY:
            self._mostly_void.add(f"{name}, {void:.0%}")
        several = np.count_nonzero(of_classes) > 1
        self._with_classes += bool(several)
        for value, _ in found.void:
            if several:
                self._among_classes.add(value)
            else:
                self._alone.setdefault(value, _Tally()).add(name)
        palette = None if found.palette is None else {index: tuple(rgb) for index, rgb in found.palette}
        self._palettes.add(name, palette)  # type: ignore[arg-type]

    def refuse(self, labels: object) -> None:
        """Refuse labels with which any score would be wrong; `labels` is the place of the label maps.

        Raises:
            UserError: palettes contradict each other, all labels are void, or there is only one class of the
                user's own
        """
        if not self._labels:
            return
        where, maps = printable(labels), plural(self._labels, "label map")
        remedy = "use colours instead of indices, with --classes NAME=#rrggbb,... or a class map with colours"
        if self._palettes.conflict:
            raise UserError(
                f"{where}: the label maps' palettes disagree: {self._palettes.conflict}: "
                f"{remedy if self._own_classes else OFFICIAL}"
            )
        present = np.flatnonzero(self._balance.of_classes(self._stored))
        values = "--classes NAME=VALUE,... or --class-map"
        if not len(present):
            remedy = f"check which values are void, or specify the values of classes with {values}"
            raise UserError(
                f"{where}: every pixel of the {maps} is void{self._void_values()}: "
                f"{remedy if self._own_classes else OFFICIAL}"
            )
        if len(present) == 1 and self._own_classes:
            only = self._balance.classes[present[0]]
            absent = [repr(name) for name in self._balance.classes if name != only]
            raise UserError(
                f"{where}: no pixel of {first_few(absent)} in {maps}, only of {only!r}, so that a "
                f"constant prediction would score 100 %{self._void_clause}: if the label maps have other "
                f"values, specify them with {values}"
            )

    def warnings(self) -> list[str]:
        """Return warnings, one line each, with counts and the first file."""
        lines = self._balance.warnings(self._void_clause)
        if self._mostly_void.count:
            first = f"{self._mostly_void.first}{self._void_values('; ', '')}"
            lines.append(
                f"more than half void: {self._mostly_void.count} of {plural(self._labels, 'label map')} (the "
                f"first: {first}): void pixels are never scored"
            )
        lines += [self._suspicious(value, tally) for value, tally in self._alone.items() if self._odd(value)]
        if self._palettes.warning:
            lines.append(self._palettes.warning)
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
        if self._several.count:
            lines["several images"] = (
                f"{plural(self._several.count, 'file')} of several pages or frames, of which the first is "
                f"read (the first: {self._several.first})"
            )
        if self._strange_pixels:
            share = self._strange_pixels / self._stored.sum()
            meaning = "the nearest colour" if self._nearest else "void"
            lines["values without a class"] = (
                f"{share:.2%} of the label pixels, treated as {meaning}, in "
                f"{plural(self._strange.count, 'label map')} (the first: {self._strange.first})"
            )
        if self._void:
            lines["void"] = f"{self._void_share:.1%} of the label pixels{self._void_values()}"
        return lines

    @property
    def _turned_line(self) -> str:
        turned = f"{plural(self._turned.count, 'photo')} (the first: {self._turned.first})"
        if self._upright:
            maps = "label maps must be upright too; " if self._labels else ""
            return f"rotated upright by their EXIF orientation: {turned}: {maps}--exif stored does not rotate"
        return f"not rotated by their EXIF orientation: {turned}"

    def _odd(self, value: str) -> bool:
        """Return whether a void value looks like a class: it is never seen in label maps of two classes.

        Many void values are those of a scheme with more classes, such as COCO's, and not a second coding.
        """
        coding = len(self._void) <= MOST_VOID_VALUES * len(self._balance.classes)
        return coding and self._with_classes > 0 and value not in self._among_classes

    def _suspicious(self, value: str, tally: _Tally) -> str:
        return (
            f"value {value} is void in {tally.count} of {plural(self._labels, 'label map')} (the first: "
            f"{tally.first}), which show one class at most, and is absent from those of several classes: if "
            "it stands for a class, save all label maps with the same values"
        )

    @property
    def _void_share(self) -> float:
        of_classes = self._balance.of_classes(self._stored)
        return float(1 - of_classes.sum() / max(self._stored.sum(), 1))

    def _void_values(self, before: str = " (", after: str = ")") -> str:
        """Return the most frequent void values, between two texts; empty where they are not known."""
        shares = ((value, count / self._stored.sum()) for value, count in self._void.most_common())
        listed = first_few([f"value {value}: {share:.0%}" for value, share in shares])
        return listed and f"{before}{listed}{after}"

    @property
    def _void_clause(self) -> str:
        return f"; {self._void_share:.0%} are void{self._void_values()}" if self._void else ""

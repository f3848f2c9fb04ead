"""Builds a store from labelled photos: reports all faults at once, and selects photos by rules."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from infoseg_bench.data.photo import StoredPhoto
from infoseg_bench.errors import MOST_NAMED, FileError, UserError, first_few, printable, together
from infoseg_bench.preparation.label_survey import LabelSurvey
from infoseg_bench.preparation.labelled_photos import LabelledPhoto, LabelledPhotos
from infoseg_bench.preparation.share_rule import ShareRule
from infoseg_bench.preparation.store_build import StoreBuild
from infoseg_bench.utils.parallel import ordered_map
from infoseg_bench.utils.progress import ProgressFactory


@dataclass
class LabelledBuild:
    """One build of a store.

    Attributes:
        folder: folder of the photos, for messages
        photos: photos to read
        train_if: rule that selects training photos; None: all
        evaluate_if: rule that selects evaluated photos among the labelled ones; None: all
        skip_broken: whether photos that cannot be used are left out instead of being an error
        survey: survey of the photos and labels
        store: store that they are written to
        skipped: files that were left out because they cannot be used
    """

    folder: Path
    photos: LabelledPhotos
    train_if: ShareRule | None
    evaluate_if: ShareRule | None
    skip_broken: bool
    survey: LabelSurvey
    store: StoreBuild
    skipped: list[FileError] = field(default_factory=list)

    def write(self, faults: Sequence[FileError], progress: ProgressFactory) -> None:
        """Read all photos, and write those that can be used.

        Args:
            faults: files that were found to be unusable before reading them
            progress: shows the progress

        Raises:
            UserError: files cannot be used, with all of them in one message; or the rules leave no photo to
                train on or to evaluate
        """
        broken = list(faults)
        names = list(self.photos.photos)
        with closing(ordered_map(self._read, names, progress, "photos")) as results:
            for name, result in zip(names, results, strict=True):
                if isinstance(result, FileError):
                    broken.append(result)
                elif not broken or self.skip_broken:
                    self._add(name, result)
        if broken and (not self.skip_broken or not self.store.ids):
            remedy = "" if self.skip_broken else "--skip-broken leaves such photos out"
            raise together(self.folder, broken, remedy)
        self.skipped = broken
        for rule, indices in (("--evaluate-if", self.store.scored), ("--train-if", self.store.trained)):
            if not indices and (self.evaluate_if if rule == "--evaluate-if" else self.train_if) is not None:
                raise UserError(
                    f"no labelled photo satisfies {rule}: choose another share, or leave out the rule"
                )

    @property
    def chosen(self) -> int:
        """Number of photos to read, including broken ones."""
        return len(self.photos.photos)

    def summary(self) -> dict[str, str]:
        """Return a summary of what was written, as lines for the user."""
        store = self.store
        training = "all" if self.train_if is None else f"{len(store.trained)} of them"
        lines = {
            "photos": f"{len(store.ids)}, {training} for training",
            "labelled": str(store.labelled),
            "evaluated": str(len(store.scored)),
        }
        if self.skipped:
            names = [printable(getattr(fault.path, "name", fault.path)) for fault in self.skipped]
            lines["left out as broken"] = f"{len(names)}: {first_few(names, MOST_NAMED)}"
        return {**lines, **self.survey.summary()}

    def _read(self, name: str) -> LabelledPhoto | FileError:
        try:
            return self.photos.read(name)
        except FileError as error:
            return error

    def _add(self, name: str, photo: LabelledPhoto) -> None:
        labels = photo.labels
        self.survey.add(photo.finding)
        trained = self.train_if is None or (labels is not None and self.train_if.accepts(labels))
        evaluated = labels is not None and (self.evaluate_if is None or self.evaluate_if.accepts(labels))
        if trained or evaluated:
            stored = StoredPhoto(id=name, image=photo.image, labels=labels)
            self.store.write([stored], trained=trained, scored=evaluated)

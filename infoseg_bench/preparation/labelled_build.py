"""Builds a store from labelled photos, which rules on their labels select."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass

from infoseg_bench.data.photo import StoredPhoto
from infoseg_bench.errors import UserError
from infoseg_bench.preparation.build_cache import ReadPhoto
from infoseg_bench.preparation.building import read_in_parts
from infoseg_bench.preparation.labelled_photos import LabelledPhotos
from infoseg_bench.preparation.share_rule import ShareRule
from infoseg_bench.preparation.store_build import StoreBuild
from infoseg_bench.utils.progress import ProgressFactory


@dataclass(frozen=True, kw_only=True)
class LabelledBuild:
    """One build of a store.

    Attributes:
        photos: photos to read
        train_if: rule that selects training photos; None: all
        evaluate_if: rule that selects evaluated photos among the labelled ones; None: all
        store: store that they are written to
    """

    photos: LabelledPhotos
    train_if: ShareRule | None
    evaluate_if: ShareRule | None
    store: StoreBuild

    def write(self, progress: ProgressFactory) -> None:
        """Read all photos, and write those that can be used and that a rule selects."""
        photos, names = self.photos, list(self.photos.photos)
        parts = read_in_parts(
            names, photos.read, identity=photos.identity, cache=self.store.cache,
            photo_pixels=photos.pixels(names[0]), progress=progress,
        )  # fmt: skip
        with closing(parts):
            for part in parts:
                for photo in part:
                    self._add(photo)

    def check(self) -> None:
        """Check that the rules leave photos to train on and to score.

        Raises:
            UserError: they do not
        """
        for option, rule, indices in (
            ("--evaluate-if", self.evaluate_if, self.store.scored),
            ("--train-if", self.train_if, self.store.trained),
        ):
            if rule is not None and not indices:
                raise UserError(
                    f"no labelled photo satisfies {option}: choose another share, or leave out the rule"
                )

    def summary(self) -> dict[str, str]:
        """Return a summary of what was written, as lines for the user."""
        store = self.store
        training = "all" if self.train_if is None else f"{len(store.trained)} of them"
        return {
            "photos": f"{len(store.ids)}, {training} for training",
            "labelled": str(store.labelled),
            "evaluated": str(len(store.scored)),
        }

    def _add(self, photo: ReadPhoto) -> None:
        labels = photo.labels if isinstance(photo, StoredPhoto) else None
        trained = self.train_if is None or (labels is not None and self.train_if.accepts(labels))
        evaluated = labels is not None and (self.evaluate_if is None or self.evaluate_if.accepts(labels))
        self.store.write([photo], trained=trained, scored=evaluated)

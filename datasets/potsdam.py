"""Potsdam (6 classes) and Potsdam-3: one store of the ISPRS 2D Potsdam tiles, halved and cut into blocks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from pydantic import model_validator

from infoseg_bench.contracts.parameters import Parameters, parameter
from infoseg_bench.contracts.recipe import DatasetRecipe, Prepared, SourceFile
from infoseg_bench.data.photo import StoredPhoto
from infoseg_bench.data.view import VOID, View, label_table
from infoseg_bench.errors import UsageError, UserError
from infoseg_bench.imageops.tiff import read_tile
from infoseg_bench.preparing.parts import Parts
from infoseg_bench.preparing.preparation import (
    expect,
    finish,
    plain_view,
    source_folder,
    store_attributes,
    store_key,
    store_path,
)
from infoseg_bench.preparing.statistics import ClassBalance, ids_sha256
from infoseg_bench.preparing.tiles import STRAY, classes_of_colours, cut_tile
from infoseg_bench.progress import ProgressFactory
from infoseg_bench.sources.files import Archive, FolderFiles, OfficialFile, OfficialFiles

REQUEST = "https://www.isprs.org/resources/datasets/benchmarks/UrbanSemLab/2d-sem-label-potsdam.aspx"
"""Where ISPRS says how to get the data."""

IMAGES = SourceFile(name="4_Ortho_RGBIR.zip", address=REQUEST, unpacked="4_Ortho_RGBIR", by_hand=True)
LABELS = SourceFile(
    name="5_Labels_for_participants.zip", address=REQUEST, unpacked="5_Labels_for_participants", by_hand=True
)

LABELLED = (
    *("2_10", "2_11", "2_12", "3_10", "3_11", "3_12", "4_10", "4_11", "4_12", "5_10", "5_11", "5_12"),
    *("6_7", "6_8", "6_9", "6_10", "6_11", "6_12", "7_7", "7_8", "7_9", "7_10", "7_11", "7_12"),
)
"""Tiles of the labels for participants (torchgeo datasets/potsdam.py)."""

OTHERS = (
    *("2_13", "2_14", "3_13", "3_14", "4_13", "4_14", "4_15", "5_13", "5_14", "5_15"),
    *("6_13", "6_14", "6_15", "7_13"),
)
"""Tiles whose labels ISPRS released later; these are not used (IIC util/potsdam_prepare.py:14-25)."""

CLASSES = ("road", "building", "low vegetation", "tree", "car", "clutter")
COLOURS = ((255, 255, 255), (0, 0, 255), (0, 255, 255), (0, 255, 0), (255, 255, 0), (255, 0, 0))
"""Of the classes in the label tiles (IIC util/potsdam_prepare.py:142-148)."""

CLASSES_3 = ("road and car", "building and clutter", "vegetation")
COLLAPSE = {0: 0, 4: 0, 1: 1, 5: 1, 2: 2, 3: 2}
"""6 to 3 classes (IIC code/datasets/segmentation/potsdam.py:417-421)."""
COLOURS_3 = ((255, 255, 255), (0, 0, 255), (0, 255, 0))
"""Ours: that of the first class of each."""


class PotsdamOptions(Parameters):
    """Options of `prepare potsdam` and `prepare potsdam-3`."""

    source: Path | None = parameter(
        None,
        "folder with 4_Ortho_RGBIR and 5_Labels_for_participants, as folders or zip files; without it, "
        "downloads/ below the data",
        source="ours",
    )
    tile: int = parameter(6000, "side of a tile in pixels", source="IIC util/potsdam_prepare.py:54-69", ge=16)
    crop: int = parameter(200, "side of the blocks in pixels, after halving", source="PAPER 5.3", ge=8)
    tolerance: int = parameter(
        32,
        "largest difference in any channel between a stray label colour and the class it counts as; the "
        "published code has no such colours",
        source="ours",
        ge=0,
        le=127,
    )

    @model_validator(mode="after")
    def _consistent(self) -> PotsdamOptions:
        if self.tile % (2 * self.crop):
            raise UsageError(f"--tile {self.tile}: not a multiple of twice the --crop of {self.crop}")
        return self


class Potsdam(DatasetRecipe):
    """All blocks for training, those of the 24 labelled tiles for evaluation; clutter is scored.

    Images are red, green, blue and infrared. `prepare potsdam` and `prepare potsdam-3` build the
    same store, which holds both data sets.
    """

    name = "potsdam"
    title = "Potsdam (6 classes)"
    citation = "ISPRS 2D Semantic Labeling Contest, Potsdam (Rottensteiner et al., ISPRS Annals I-3, 2012)"
    licence = "ISPRS: research only, registration required, no redistribution"
    how_to_get = (
        f"infoseg-bench prepare potsdam --source DIR, with {IMAGES.name} and {LABELS.name} in DIR; "
        f"request them at {REQUEST}"
    )
    sources = (IMAGES, LABELS)
    options_type = PotsdamOptions

    def prepare(self, options: Parameters, data: Path, progress: ProgressFactory) -> Prepared:
        """Build `data/potsdam.h5`, one tile in memory at a time.

        Raises:
            UserError: tiles that are missing or not the official ones, with the remedy
        """
        from infoseg_bench.data.writer import StoreWriter

        assert isinstance(options, PotsdamOptions)
        tiles = _Tiles.find(source_folder(options.source, data))
        recipe = Potsdam()
        path = store_path(data, recipe.name, recipe)
        parts = Parts(path, store_key(recipe, options))
        balance = ClassBalance(CLASSES, options.crop, _table(len(CLASSES)))
        ids: list[str] = []
        scored: list[int] = []
        with StoreWriter(path, channels=4, attributes=store_attributes(recipe, options)) as writer:
            for name in progress(tiles.names, "tiles"):
                photos = parts.photos(tiles.identity(name), partial(_read, tiles, name, options))
                writer.extend(photos)
                for photo in photos:
                    if photo.labels is not None:
                        scored.append(len(ids))
                    ids.append(photo.id)
                    balance.add(photo.labels)
            if not tiles.missing:
                blocks = (options.tile // (2 * options.crop)) ** 2
                expect(recipe, balance, photos=(len(ids), 38 * blocks), labelled=(len(scored), 24 * blocks))
            views = [_view(name, ids, scored, options.crop, tiles) for name in _VIEWS]
            prepared = finish(writer, views, _summary(tiles, ids, scored, balance))
        parts.clear()
        return prepared


class Potsdam3(Potsdam):
    """The same blocks with 3 classes."""

    name = "potsdam-3"
    title = "Potsdam-3 (3 classes)"
    how_to_get = Potsdam.how_to_get.replace("prepare potsdam", "prepare potsdam-3")


_VIEWS = {Potsdam.name: CLASSES, Potsdam3.name: CLASSES_3}


@dataclass(frozen=True, kw_only=True)
class _Tiles:
    root: Path
    images: OfficialFiles
    labels: OfficialFiles | None

    @classmethod
    def find(cls, root: Path) -> _Tiles:
        images = _files(root, IMAGES, "_RGBIR.tif")
        if images is None:
            raise UserError(
                f"{root}: no top_potsdam_*_RGBIR.tif: request {IMAGES.name} and {LABELS.name} at {REQUEST} "
                f"and put them, zipped or unpacked, into {root}"
            )
        return cls(root=root, images=images, labels=_files(root, LABELS, "_label.tif"))

    @property
    def names(self) -> list[str]:
        """Tiles that are there, in the order of ISPRS's numbers."""
        there = [name for name in (*LABELLED, *OTHERS) if _image(name) in self.images.names]
        return sorted(there, key=lambda name: [int(part) for part in name.split("_")])

    def label(self, name: str) -> OfficialFile | None:
        """Give a tile's labels, if it is one of the 24 and they are there."""
        if name not in LABELLED or self.labels is None or _label(name) not in self.labels.names:
            return None
        return self.labels.file(_label(name))

    def identity(self, name: str) -> list[str]:
        """Name a tile and the state of its files."""
        label = self.label(name)
        return [name, self.images.file(_image(name)).identity, "" if label is None else label.identity]

    @property
    def missing(self) -> list[str]:
        """Official files that are not there."""
        labels = frozenset() if self.labels is None else self.labels.names
        images = [_image(name) for name in (*LABELLED, *OTHERS)]
        return [
            *(name for name in images if name not in self.images.names),
            *(_label(name) for name in LABELLED if _label(name) not in labels),
        ]


def _files(root: Path, source: SourceFile, ending: str) -> OfficialFiles | None:
    for folder in (root / source.unpacked, root / source.unpacked / source.unpacked, root):
        if folder.is_dir():
            files = FolderFiles(folder)
            if any(name.endswith(ending) for name in files.names):
                return files
    return Archive(root / source.name).everywhere() if (root / source.name).is_file() else None


def _image(name: str) -> str:
    return f"top_potsdam_{name}_RGBIR.tif"


def _label(name: str) -> str:
    return f"top_potsdam_{name}_label.tif"


def _read(tiles: _Tiles, name: str, options: PotsdamOptions) -> list[StoredPhoto]:
    tile = read_tile(tiles.images.file(_image(name)), side=options.tile, bands=4)
    label = tiles.label(name)
    return cut_tile(
        name,
        tile,
        None if label is None else read_tile(label, side=options.tile, bands=3),
        block=options.crop,
        classes=partial(classes_of_colours, palette=COLOURS, tolerance=options.tolerance),
    )


def _table(classes: int) -> np.ndarray:
    collapse = COLLAPSE if classes == len(CLASSES_3) else {index: index for index in range(classes)}
    near = {STRAY + index: cls for index, cls in collapse.items()}
    return label_table(classes, {**collapse, **near})


def _view(name: str, ids: Sequence[str], scored: Sequence[int], crop: int, tiles: _Tiles) -> View:
    six = name == Potsdam.name
    table = _table(len(_VIEWS[name]))
    return plain_view(
        Potsdam() if six else Potsdam3(),
        _VIEWS[name],
        photos=len(ids),
        crop=crop,
        evaluation=scored,
        tables={"corrected": table, "published": table},
        palette=COLOURS if six else COLOURS_3,
        note=f"a subset: {len(tiles.missing)} of 62 official files are missing" if tiles.missing else "",
    )


def _summary(
    tiles: _Tiles, ids: Sequence[str], scored: Sequence[int], balance: ClassBalance
) -> dict[str, str]:
    stored = balance.stored
    lines = {
        "files": f"{len(tiles.names)} of 38 tiles, {62 - 38 - _missing_labels(tiles)} of 24 label tiles",
        "photos": f"{len(ids)}, of which {len(scored)} are labelled and scored",
        "ids": f"SHA-256 {ids_sha256(ids)}",
        "stray label colours": f"{stored[STRAY : STRAY + len(CLASSES)].sum()} pixels near a class's colour, "
        f"{stored[VOID]} near none (void)",
    }
    if tiles.missing:
        lines["missing"] = f"{', '.join(tiles.missing[:3])}{', ...' if len(tiles.missing) > 3 else ''}"
    for name, classes in _VIEWS.items():
        seen = balance.through(classes, _table(len(classes))).summary()
        lines.update({f"{name}: {key}": line for key, line in seen.items()})
    return lines


def _missing_labels(tiles: _Tiles) -> int:
    return sum(name.endswith("_label.tif") for name in tiles.missing)

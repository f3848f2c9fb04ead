"""COCO-Stuff (15 classes) and COCO-Stuff-3, from COCO's and COCO-Stuff's official files."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from infoseg_bench.contracts.recipe import DatasetRecipe, Expected, Prepared
from infoseg_bench.datasets.coco.archives import LABEL_MAPS, TRAIN_PHOTOS, VAL_PHOTOS
from infoseg_bench.datasets.coco.files import CocoFiles
from infoseg_bench.datasets.coco.published_lists import PublishedList, read_ids
from infoseg_bench.datasets.coco.stuff import StuffFiles
from infoseg_bench.datasets.coco.stuff_build import difference
from infoseg_bench.datasets.coco.stuff_list import ListDiffersError, ListedBuild
from infoseg_bench.datasets.coco.stuff_options import CocoStuff3Options, CocoStuffOptions
from infoseg_bench.preparation.preparation import source_folder
from infoseg_bench.utils.progress import ProgressFactory

FULL_STUFF_7 = PublishedList(
    name="Coco164kFull_Stuff_Coarse_7",
    counts={"train2017": 49_629, "val2017": 2_175},
    sha256={
        "train2017": "3b837594a81880a70f177afab906fc45147d8b9c2c4f51132f784e41941812f9",
        "val2017": "7c629734c88f1a74bba6311e01d4d9fe976df84f07cb4fc86452ce5116e51655",
    },
)
FEW_STUFF_6 = PublishedList(
    name="Coco164kFew_Stuff_6",
    counts={"train2017": 35_228, "val2017": 1_432},
    sha256={
        "train2017": "5f78b43a1ad7408f590f0404ea86cdfc55e3a991d748a9cb64e5f86663541a6b",
        "val2017": "b5b09cbb5258417a40c7a57dfe65f6be455fa64d5a14b6a93bda91642d431fce",
    },
)


class CocoStuff(DatasetRecipe[CocoStuffOptions]):
    """The 15 coarse stuff classes; things and unlabelled pixels are void."""

    name = "coco-stuff"
    sizes = (3, 128, 15)
    title = "COCO-Stuff (15 classes)"
    citation = "Caesar et al., COCO-Stuff: Thing and Stuff Classes in Context, CVPR 2018, arXiv:1612.03716"
    licence = "label maps CC BY 4.0; every photo under its own Flickr licence"
    how_to_get = "infoseg-bench prepare coco-stuff (downloads 19 GiB, or uses what is in --source DIR)"
    sources = (TRAIN_PHOTOS, VAL_PHOTOS, LABEL_MAPS)
    working_space = 14 << 30
    class_map: ClassVar[str] = "coco-stuff-15"
    n_classes: ClassVar[int] = 15
    published: ClassVar[PublishedList] = FULL_STUFF_7
    unlabelled_as: ClassVar[int | None] = None
    """Class that the released code assigns to unlabelled pixels; None: void (cocostuff.py:629-656)."""

    @classmethod
    def expected(cls, options: CocoStuffOptions) -> Expected:
        """Return the size of the published list: every photo is trained on and scored (protocol 1.2)."""
        photos = sum(cls.published.counts.values())
        return Expected(classes=cls.n_classes, channels=3, crop=options.crop, photos=photos, scored=photos)

    def prepare(self, options: CocoStuffOptions, data: Path, progress: ProgressFactory) -> Prepared:
        """Build the store. It keeps COCO-Stuff's own codes as labels, with tables that map them to classes.

        Raises:
            UserError: unsuitable files, or the rule gives other photos than the published list, which
                cannot be fetched
        """
        files = StuffFiles.find(CocoFiles(source_folder(options.source, data)))
        work = ListedBuild(recipe=self, options=options, files=files, data=data, progress=progress)
        if options.list == "published":
            return work.build(work.published_ids(), "the published list")
        if options.list not in (None, "derived"):
            return work.build(read_ids(Path(options.list)), f"listed in {Path(options.list).name}")
        try:
            return work.build(None, "by the rule")
        except ListDiffersError as found:
            published = work.published_ids(found.derived)
            differs = difference(found.derived, published)
            return work.build(published, f"the published list; the rule differs in {differs}", amend=True)


class CocoStuff3(CocoStuff):
    """Sky, plant and ground; all else is void, but the released code scores unlabelled pixels as sky."""

    name = "coco-stuff-3"
    sizes = (3, 128, 3)
    title = "COCO-Stuff-3 (sky, plant, ground)"
    how_to_get = "infoseg-bench prepare coco-stuff-3 (downloads 19 GiB, or uses what is in --source DIR)"
    working_space = 10 << 30
    options_type = CocoStuff3Options
    class_map = "coco-stuff-3"
    n_classes = 3
    published = FEW_STUFF_6
    unlabelled_as = 0

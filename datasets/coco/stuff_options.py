"""Options of COCO-Stuff and COCO-Stuff-3."""

from __future__ import annotations

from infoseg_bench.contracts.parameters import parameter
from infoseg_bench.datasets.coco.persons_options import CocoOptions


class CocoStuffOptions(CocoOptions):
    """Options of both recipes."""

    list: str | None = parameter(
        None,
        "list of photos: 'published', 'derived' by the rule, or a file of ids, one per line; without it, the "
        "rule, but the published list if the rule gives a different one on complete data",
        source="chosen by this project",
    )
    min_side: int = parameter(
        360,
        "smallest length in pixels of a listed photo's shorter side, before scaling",
        source="IIC util/coco164k_prepare.py:19-25",
        ge=1,
    )
    min_share: float = parameter(
        0.75,
        "smallest share of the data set's classes among all pixels of a listed photo",
        source="IIC util/coco164k_prepare.py:84-99",
        ge=0,
        le=1,
    )


class CocoStuff3Options(CocoStuffOptions):
    """Options of COCO-Stuff-3, whose threshold is missing in the released script."""

    min_share: float = parameter(
        0.5,
        "smallest share of sky, plant and ground among all pixels of a listed photo",
        source="chosen by this project: separates listed photos from others on 21 official label maps",
        ge=0,
        le=1,
    )

"""Options of COCO-Stuff and COCO-Stuff-3."""

from __future__ import annotations

from infoseg_bench.contracts.parameters import parameter
from infoseg_bench.datasets.coco.persons_options import CocoOptions


class CocoStuffOptions(CocoOptions):
    """Options of both recipes."""

    list: str | None = parameter(
        None,
        "which photos: 'published', 'derived' by the rule, or a file of ids, one per line; without it, the "
        "rule, and on complete data the published list where the rule gives another",
        source="chosen by this project",
    )
    min_side: int = parameter(
        360,
        "least length in pixels of a listed photo's shorter side, before scaling",
        source="IIC util/coco164k_prepare.py:19-25",
        ge=1,
    )
    min_share: float = parameter(
        0.75,
        "least share of the listed classes among all pixels of a listed photo",
        source="IIC util/coco164k_prepare.py:84-99",
        ge=0,
        le=1,
    )


class CocoStuff3Options(CocoStuffOptions):
    """Options of COCO-Stuff-3, whose threshold the released script has lost."""

    min_share: float = parameter(
        0.5,
        "least share of sky, plant and ground among all pixels of a listed photo",
        source="chosen by this project: separates the listed from the other photos on 21 official label maps",
        ge=0,
        le=1,
    )

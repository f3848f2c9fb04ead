"""COCO's official archives: their addresses, sizes and checksums.

COCO publishes no checksums. Those given here were recorded by TensorFlow Datasets and many others; no
recorded checksum of the label maps was found.
"""

from __future__ import annotations

from infoseg_bench.contracts.recipe import SourceFile

ADDRESS = "http://images.cocodataset.org/"
"""Server to which COCO's own site links; its certificate is not valid for this name, hence no https."""

TRAIN_PHOTOS = SourceFile(
    name="train2017.zip",
    address=ADDRESS + "zips/train2017.zip",
    unpacked="train2017",
    size=19_336_861_798,
    sha256="69a8bb58ea5f8f99d24875f21416de2e9ded3178e903f1f7603e283b9e06d929",
)
VAL_PHOTOS = SourceFile(
    name="val2017.zip",
    address=ADDRESS + "zips/val2017.zip",
    unpacked="val2017",
    size=815_585_330,
    sha256="4f7e2ccb2866ec5041993c9cf2a952bbed69647b115d0f74da7ce8f4bef82f05",
)
ANNOTATIONS = SourceFile(
    name="annotations_trainval2017.zip",
    address=ADDRESS + "annotations/annotations_trainval2017.zip",
    unpacked="annotations",
    size=252_907_541,
    sha256="113a836d90195ee1f884e704da6304dfaaecff1f023f49b6ca93c4aaae470268",
)
LABEL_MAPS = SourceFile(
    name="stuffthingmaps_trainval2017.zip",
    address="http://calvin.inf.ed.ac.uk/wp-content/uploads/data/cocostuffdataset/"
    "stuffthingmaps_trainval2017.zip",
    unpacked="stuffthingmaps",
)

from __future__ import annotations

from pathlib import Path

import numpy as np

import infoseg_bench
from infoseg_bench.inference.checkpointed import predict, read_images
from infoseg_bench.records.folder import RunFolder
from tests.data.miniature import write_store


def test_a_method_that_clusters_its_features_predicts_again_what_was_scored(tmp_path: Path) -> None:
    write_store(tmp_path / "data" / "mini.h5", photos=4, labels="visible")
    small = {"batch": 4, "width": 4, "patch": 5, "branch": 8, "hidden": 8, "cluster_pixels": 400}
    done = infoseg_bench.run(
        datasets=["mini"], methods=["isola"], steps=3, parameters={"isola": small}, device="cpu", jobs=2,
        data=tmp_path / "data", results=tmp_path / "results",
    )  # fmt: skip
    assert not done.failed
    (spec,) = done.plan.specs
    store, folder = (
        infoseg_bench.load_store("mini", tmp_path / "data"),
        RunFolder.of(tmp_path / "results", spec),
    )
    images = read_images(store, spec.protocol)
    clusters = predict(folder, images, range(len(images.images)))
    found = infoseg_bench.confusion_matrix(clusters, store)
    with np.load(folder.counts_file) as counts:
        np.testing.assert_array_equal(found, counts["last"][: len(found)])

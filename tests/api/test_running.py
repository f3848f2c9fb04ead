"""The main job from Python: prepare, run, status, report, results; and what is refused."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import infoseg_bench
from infoseg_bench.api.running import RunResult
from infoseg_bench.errors import UsageError
from infoseg_bench.reporting.leaderboard import markdown
from tests.data.miniature import write_store


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("api")
    write_store(folder / "data" / "mini.h5", photos=4, labels="visible")
    return folder


def kmeans(folder: Path, **changes: object) -> RunResult:
    choices: dict[str, object] = {
        "datasets": ["mini"],
        "methods": ["kmeans"],
        "seeds": range(2),
        "parameters": {"kmeans": {"sample": 300}},
        "data": folder / "data",
        "results": folder / "results",
        "device": "cpu",
    }
    return infoseg_bench.run(**{**choices, **changes})  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def done(folder: Path) -> RunResult:
    return kmeans(folder, out=folder / "report")


def test_a_plan_alone_writes_nothing(folder: Path) -> None:
    planned = kmeans(folder, results=folder / "nothing", dry_run=True)
    assert [(run.spec.seed, run.state) for run in planned.plan.runs] == [(0, "missing"), (1, "missing")]
    assert {run.spec.parameters["sample"] for run in planned.plan.runs} == {300}
    assert not (folder / "nothing").exists()


def test_runs_are_done_once_and_print_nothing(
    done: RunResult, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert [outcome.ending for outcome in done.outcomes] == ["finished", "finished"]
    assert done.failed == []
    again = kmeans(folder)
    assert again.outcomes == ()
    assert {run.state for run in again.plan.runs} == {"finished"}
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("force", [False, True])
def test_an_unknown_logger_is_refused_before_anything_is_done(
    done: RunResult, folder: Path, force: bool
) -> None:
    with pytest.raises(UsageError, match=r"unknown logger 'mlflw': did you mean mlflow"):
        kmeans(folder, logs=["mlflw"], force=force)
    assert {run.state for run in kmeans(folder, dry_run=True).plan.runs} == {"finished"}


def test_results_are_a_table_of_plain_numbers(done: RunResult, folder: Path) -> None:
    table = infoseg_bench.load_results(folder / "results")
    assert len(table) == 4
    assert table.equals(done.table())
    store = infoseg_bench.load_store("mini", folder / "data")
    method = infoseg_bench.get_method("kmeans", store, seed=0, device="cpu", sample=300)
    counts = infoseg_bench.confusion_matrix(
        infoseg_bench.predict(infoseg_bench.fit(method, store), store), store
    )
    (last,) = table[(table.seed == 0) & (table.selection == "last")].pixel_accuracy
    assert last == infoseg_bench.score(counts).one_to_one.pixel_accuracy


def test_a_report_and_a_verification_are_objects(done: RunResult, folder: Path) -> None:
    assert done.report is not None
    assert done.report.page.is_file()
    (board,) = infoseg_bench.report(folder / "results", out=folder / "again", data=None).boards
    assert "K-Means" in markdown(board)
    found = infoseg_bench.verify(folder / "results", data=folder / "data")
    assert (found.sound, found.faults) == (2, [])


def test_status_tells_the_state_of_every_run(done: RunResult, folder: Path) -> None:
    states = infoseg_bench.status(folder / "results")
    assert [(run.identity, run.state) for run in states] == [
        (spec.identity, "finished") for spec in done.plan.specs
    ]
    assert infoseg_bench.status(folder / "results", states=["failed"]) == []


def test_a_failed_run_is_an_outcome_and_no_exception(folder: Path) -> None:
    plugin = Path(__file__).parents[1] / "runs" / "failing_method.py"
    found = kmeans(
        folder, methods=["raising"], seeds=[0], parameters=None, plugins=[plugin], steps=3,
        results=folder / "failing",
    )  # fmt: skip
    assert [outcome.ending for outcome in found.failed] == ["failed"]
    assert "by design" in found.failed[0].reason
    table = infoseg_bench.load_results(folder / "failing", failed=True)
    assert table.status.to_list() == ["failed"]


def test_label_maps_of_other_software_are_scored_and_kept(folder: Path) -> None:
    store = infoseg_bench.load_store("mini", folder / "data")
    ids = [store.store.ids()[index] for index in store.view.evaluation]
    count = infoseg_bench.write_images("mini", folder / "images", data=folder / "data")
    assert count == len(ids)
    (folder / "maps").mkdir()
    for name in ids:
        np.save(folder / "maps" / f"{name}.npy", np.zeros((store.view.crop, store.view.crop), np.uint8))
    scored = infoseg_bench.evaluate(folder / "maps", dataset="mini", data=folder / "data")
    assert scored.record is None
    assert scored.scores.one_to_one.pixel_accuracy == pytest.approx(
        infoseg_bench.score(scored.counts.sum(axis=0)).one_to_one.pixel_accuracy
    )
    kept = infoseg_bench.evaluate(
        folder / "maps", dataset="mini", name="Flat", data=folder / "data", results=folder / "external"
    )
    assert kept.record is not None
    assert infoseg_bench.load_results(folder / "external").method_title.unique() == ["Flat (external)"]


def test_a_trained_run_is_exported_and_segments_photos(done: RunResult, folder: Path) -> None:
    run = done.plan.specs[0].identity
    exported = infoseg_bench.export(run, folder / "model.safetensors", results=folder / "results")
    assert exported.card.is_file()
    image = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    model = infoseg_bench.get_model(run, results=folder / "results", device="cpu")
    np.testing.assert_array_equal(
        infoseg_bench.load_model(exported.file, device="cpu").predict(image), model.predict(image)
    )
    from PIL import Image

    Image.fromarray(image).save(folder / "photo.png")
    found = infoseg_bench.segment_photos(
        folder / "photo.png", run=run, out=folder / "out", results=folder / "results", device="cpu"
    )
    assert list(found.photos) == [folder / "photo.png"]
    assert (folder / "out" / "photo-labels.png").is_file()


def test_downloads_are_refused_unless_allowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from infoseg_bench.preparation.download import Download

    recipe = infoseg_bench.list_recipes()["coco-stuff"]
    monkeypatch.setattr(
        "infoseg_bench.api.preparing.plan",
        lambda sources, folder: [Download(source=source, size=1, arrived=0) for source in sources],
    )
    monkeypatch.setattr("infoseg_bench.api.preparing.check_space", lambda *values: 1 << 40)
    with pytest.raises(UsageError, match=f"needs {recipe.sources[0].name}.*download=True"):
        infoseg_bench.prepare("coco-stuff", data=tmp_path)


def test_what_is_unknown_is_named(folder: Path) -> None:
    with pytest.raises(UsageError, match="unknown method 'kmean'"):
        kmeans(folder, methods=["kmean"])
    with pytest.raises(UsageError, match="unknown parameter"):
        kmeans(folder, parameters={"kmeans": {"sampel": 1}})
    with pytest.raises(UsageError, match="nothing chosen"):
        infoseg_bench.run(data=folder / "data")
    with pytest.raises(UsageError, match="unknown"):
        infoseg_bench.prepare("no-such-recipe")


@pytest.mark.parametrize("wrong", [{"jobs": -1}, {"jobs": 0}, {"gpus_per_run": 0}, {"snapshots": -1}])
def test_numbers_out_of_range_are_refused_before_anything_is_done(
    folder: Path, wrong: dict[str, int]
) -> None:
    (name,) = wrong
    with pytest.raises(UsageError, match=f"{name}=.*or more"):
        kmeans(folder, results=folder / "wrong", **wrong)
    with pytest.raises(UsageError, match="seeds"):
        kmeans(folder, results=folder / "wrong", seeds=[-1])
    assert not (folder / "wrong").exists()


def test_a_single_name_need_not_be_in_a_list(folder: Path) -> None:
    planned = kmeans(folder, datasets="mini", methods="kmeans", dry_run=True)
    assert {run.spec.method for run in planned.plan.runs} == {"kmeans"}
    plugin = folder / "one_plugin.py"
    plugin.write_text("")
    assert "kmeans" in infoseg_bench.list_methods(plugins=str(plugin))


def test_your_own_photos_are_prepared_from_python(folder: Path, tmp_path: Path) -> None:
    count = infoseg_bench.write_images("mini", tmp_path / "photos", data=folder / "data")
    prepared = infoseg_bench.prepare(
        "image-folder", name="mine", images=str(tmp_path / "photos"), clusters=3, data=tmp_path / "data"
    )
    assert prepared.summary["photos"].startswith(str(count))
    assert list(infoseg_bench.list_datasets(tmp_path / "data")) == ["mine"]


WRONG = """
import sys
from pathlib import Path
import numpy as np
import infoseg_bench

data, maps, kept = sys.argv[1:]
store = infoseg_bench.load_store("mini", data)
method = infoseg_bench.fit(infoseg_bench.get_method("kmeans", store, sample=300), store)
clusters = infoseg_bench.predict(method, store)
for photo, name in enumerate(store.store.ids()):
    np.save(Path(maps) / f"{name}.npy", clusters[photo])

def evaluate(**more):
    infoseg_bench.evaluate(maps, dataset="mini", name="P", data=data, results=kept, **more)

evaluate(labels_used="none")
infoseg_bench.get_method("kmeans", store, seed=np.int64(3))  # a whole number, too
counts = infoseg_bench.confusion_matrix(clusters, store)
calls = [
    lambda: evaluate(labels_used="None"),
    lambda: evaluate(extra_clusters="foo"),
    lambda: evaluate(seed=-1),
    lambda: evaluate(seed="x"),
    lambda: infoseg_bench.confusion_matrix(clusters + 0.6, store),
    lambda: infoseg_bench.confusion_matrix(clusters[:, :1], store),
    lambda: infoseg_bench.confusion_matrix(clusters[:, :1, :1], store),
    lambda: infoseg_bench.confusion_matrix(clusters[1:], store),
    lambda: infoseg_bench.confusion_matrix(clusters - 100, store),
    lambda: infoseg_bench.confusion_matrix(clusters.astype(np.int64) + 2**30, store),
    lambda: infoseg_bench.score(counts / counts.sum()),
    lambda: infoseg_bench.score(-counts),
    lambda: infoseg_bench.predict(method, store, postprocess="crf"),
    lambda: infoseg_bench.get_method("kmeans", store, seed="x"),
    lambda: infoseg_bench.get_method("kmeans", store, steps=4.5),
    lambda: infoseg_bench.report(kept, figures="png"),
    lambda: infoseg_bench.verify(kept, data="nodata"),
    lambda: infoseg_bench.segment_photos(run="x"),
    lambda: infoseg_bench.segment_photos("a.png", run="x", scale=0),
    lambda: infoseg_bench.segment_photos("a.png", run="x", scale=float("nan")),
]
for call in calls:
    try:
        call()
        print("accepted")
    except (ValueError, infoseg_bench.errors.UserError) as error:
        print(type(error).__name__, error)
"""
SAYS = (
    *(
        "--labels-used 'None'",
        "--extra-clusters 'foo'",
        "seed=-1: use a whole number of 0 or more",
        "seed='x': use a whole number",
        "of float64: use whole numbers",
    ),
    *(["not ("] * 3),
    *(["use numbers of 0 to 65535"] * 2),
    *(["whole numbers, not below 0"] * 2),
    *("postprocess 'crf': use one of none, mirror", "seed='x': use a whole number", "steps=4.5"),
    *("figures='png': use 'svg' or 'pdf'", "nodata: no such folder", "no photo to segment"),
    *("scale=0: use a number above 0", "scale=nan"),
)


def test_wrong_values_are_refused_and_leave_the_row_as_it_was(folder: Path, tmp_path: Path) -> None:
    # In a process of its own, in which types are not checked.
    words = [str(folder / "data"), str(tmp_path), str(tmp_path / "kept")]
    done = subprocess.run(
        [sys.executable, "-c", WRONG, *words], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert done.returncode == 0, done.stderr
    for line, says in zip(done.stdout.splitlines(), SAYS, strict=True):
        assert says in line, line
    (record,) = (tmp_path / "kept" / "runs").glob("*/record.json")
    assert json.loads(record.read_text())["label_use"] is None

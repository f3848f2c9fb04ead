from __future__ import annotations

import base64
import csv
import io
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from infoseg_bench.records.audit import audit
from infoseg_bench.records.folder import RunFolder
from infoseg_bench.runs.checkpoint import load_checkpoint
from tests.cli.commands import SMALL_INFOSEG, launched_here, prepare_photos

RUN = [
    "run", "--dataset", "mine", "--method", "kmeans", "--method", "random-cnn", "--method", "infoseg",
    "--seeds", "0-1", "--steps", "4", "--set", "random-cnn.width=2", *SMALL_INFOSEG,
]  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("main-job")
    prepare_photos(path)
    done = launched_here(path, *RUN)
    assert done.returncode == 0, done.stderr
    (path / "printed.txt").write_text(done.stdout)
    return path


def run_folders(folder: Path) -> list[RunFolder]:
    return [RunFolder(path) for path in sorted((folder / "results" / "runs").iterdir())]


def test_a_board_with_every_method_is_printed_and_written(folder: Path) -> None:
    board = (folder / "results" / "report" / "leaderboard.md").read_text()
    for text in (board, (folder / "printed.txt").read_text()):
        for title in ("K-Means", "Random CNN", "InfoSeg", "constant prediction"):
            assert title in text
    assert "results/report/leaderboard.md" in (folder / "printed.txt").read_text()


def test_a_finished_run_keeps_its_weights_and_nothing_that_only_training_needs(folder: Path) -> None:
    for run in run_folders(folder):
        found = load_checkpoint(run)
        assert found is not None
        assert "optimiser" not in found[1]
        assert not run.previous_checkpoint_file.exists()


def test_bright_disks_on_dark_noise_are_found_by_colour(folder: Path) -> None:
    (table,) = (folder / "results" / "report").glob("*/leaderboard.csv")
    rows = {row["method"]: row for row in csv.DictReader(table.read_text().splitlines())}
    assert float(rows["kmeans"]["pixel_accuracy_mean"]) > 0.95
    assert rows["kmeans"]["n"] == "2"
    assert 0.5 < float(rows["constant prediction"]["pixel_accuracy_mean"]) < 0.95


def test_every_run_leaves_a_confusion_matrix(folder: Path) -> None:
    (file,) = (folder / "results" / "report").glob("*/confusion.csv")
    table = list(csv.DictReader(file.read_text().splitlines()))
    assert len({row["run"] for row in table}) == 6
    assert sum(int(row["pixels"]) for row in table) == 6 * 8 * 32 * 32
    assert "% of the row" in file.with_suffix(".svg").read_text()


def test_panels_of_photos_of_unknown_licence_are_local_and_not_on_the_page(folder: Path) -> None:
    report = folder / "results" / "report"
    assert (report / "local" / ".gitignore").read_text() == "*\n"
    pictures = sorted((report / "local").glob("*/*.png"))
    assert [path.stem for path in pictures] == ["best-by-mean-PA", "fixed-selection", "worst-by-mean-PA"]
    assert not list(report.glob("mine*/**/*.png"))
    page = (report / "index.html").read_text()
    assert 'src="data:image' not in page
    assert "may not be published, are in local/mine" in page
    # The weights that were kept predict what was counted.
    assert "differ from the record" not in page


@pytest.fixture(scope="module")
def embedded(folder: Path) -> Path:
    """A report with the photos embedded."""
    done = launched_here(folder, "report", "--out", "private", "--embed-photos")
    assert done.returncode == 0, done.stderr
    assert str(Path("private", "local", "index.html")) in done.stdout
    return folder / "private"


def test_photos_are_embedded_only_if_asked_and_then_the_page_is_local_too(embedded: Path) -> None:
    assert 'src="data:image' in (embedded / "local" / "index.html").read_text()
    # What links to the page finds one, without photos.
    assert 'src="data:image' not in (embedded / "index.html").read_text()


def test_a_panel_shows_void_in_black_and_predictions_in_the_colours_of_matched_classes(
    folder: Path, embedded: Path
) -> None:
    (spec, *_) = (RunFolder(path) for path in (folder / "results" / "runs").glob("mine--kmeans--*"))
    record = spec.finished_record()
    assert record is not None
    colours = {tuple(colour) for colour in record.dataset.palette}
    page = (embedded / "local" / "index.html").read_text()
    tiles = re.findall(r'src="data:image/png;base64,([^"]+)" alt="(K-Means|ground truth)', page)
    assert {title for _, title in tiles} == {"K-Means", "ground truth"}
    for data, title in tiles:
        with Image.open(io.BytesIO(base64.b64decode(data))) as image:
            pixels = np.asarray(image.convert("RGB")).reshape(-1, 3)
        shown = {tuple(colour) for colour in pixels.tolist()}
        assert shown <= (colours | {(0, 0, 0)} if title == "ground truth" else colours)


def test_panels_show_the_papers_own_method_first_then_the_others_by_rank(embedded: Path) -> None:
    page = (embedded / "local" / "index.html").read_text()
    shown = list(dict.fromkeys(re.findall(r'alt="([^",]+), run', page)))
    (table,) = embedded.glob("*/leaderboard.csv")
    ranked = [row["label"] for row in csv.DictReader(table.read_text().splitlines()) if row["label"]]
    assert shown == ["InfoSeg", *(label for label in ranked if label != "InfoSeg")] != ranked


def test_without_the_photos_the_report_says_that_there_are_no_panels(folder: Path) -> None:
    done = launched_here(folder, "report", "--data", "nowhere", "--out", "no-photos")
    assert done.returncode == 0, done.stderr
    assert "the photos of mine are not available here" in (folder / "no-photos" / "index.html").read_text()
    assert not list((folder / "no-photos").rglob("*.png"))


def test_every_record_follows_from_its_counts(folder: Path) -> None:
    for run in run_folders(folder):
        record = run.finished_record()
        assert record is not None
        audit(run, record)
        with np.load(run.counts_file) as counts:
            assert int(counts["last"].sum()) == 8 * 32 * 32


def test_a_record_names_no_folder_of_this_machine(folder: Path) -> None:
    for run in run_folders(folder):
        assert str(folder) not in run.record_file.read_text()


def test_asked_again_nothing_is_run_and_the_board_is_the_same(folder: Path) -> None:
    board = (folder / "results" / "report" / "leaderboard.md").read_bytes()
    before = {run.path: run.record_file.stat().st_mtime_ns for run in run_folders(folder)}
    done = launched_here(folder, *RUN)
    assert done.returncode == 0
    assert done.stdout.count("finished     mine") == 6
    assert {run.path: run.record_file.stat().st_mtime_ns for run in run_folders(folder)} == before
    assert (folder / "results" / "report" / "leaderboard.md").read_bytes() == board


def test_report_and_status_read_the_same_results(folder: Path) -> None:
    done = launched_here(folder, "report", "--out", "elsewhere")
    assert done.returncode == 0, done.stderr
    assert (folder / "elsewhere" / "leaderboard.md").read_bytes() == (
        folder / "results" / "report" / "leaderboard.md"
    ).read_bytes()
    assert "6 finished" in launched_here(folder, "status").stdout


def test_list_shows_what_is_prepared_and_what_can_be(folder: Path) -> None:
    done = launched_here(folder, "list")
    assert "2 classes, 8 photos to train on, 8 scored" in done.stdout
    for name in ("coco-persons", "image-folder", "synthetic-scenes", "infoseg", "kmeans", "random-cnn"):
        assert name in done.stdout
    assert "infoseg.tau = 0.8" in launched_here(folder, "list", "--method", "infoseg").stdout


def test_a_dry_run_shows_the_plan_and_runs_nothing(folder: Path) -> None:
    done = launched_here(folder, *RUN, "--seeds", "7", "--dry-run")
    assert done.returncode == 0
    assert done.stdout.count("missing      mine") == 3
    assert not list((folder / "results" / "runs").glob("*seed7*"))


def test_a_dry_run_tells_variants_apart(folder: Path, tmp_path: Path) -> None:
    suite = tmp_path / "taus.toml"
    suite.write_text(
        'title = "two"\ndatasets = ["mine"]\nmethods = ["infoseg"]\nseeds = [0, 1]\n'
        "[budget]\nsteps = 4\nevaluate_every = 2\n"
        "[[variants.infoseg]]\ntau = 0.3\n[[variants.infoseg]]\ntau = 0.5\n"
    )
    done = launched_here(folder, "run", "--all", "--suite", str(suite), "--dry-run")
    assert done.returncode == 0, done.stderr
    for tau in (0.3, 0.5):
        assert f"missing      mine infoseg seed 1 (tau={tau}), 4 steps, id " in done.stdout


def test_a_suite_file_prepares_embedded_data_and_runs(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(
        'title = "small"\ndatasets = ["synthetic-scenes"]\nmethods = ["kmeans"]\nseeds = [3]\n'
        "[prepare.synthetic-scenes]\nimages = 6\n[parameters.kmeans]\nsample = 300\n"
    )
    done = launched_here(tmp_path, "run", "--all", "--suite", "mine.toml")
    assert done.returncode == 0, done.stderr
    assert "6 scored" in done.stdout
    assert "not a benchmark" in done.stdout


def test_a_forced_run_gives_the_same_counts_again(folder: Path) -> None:
    (run,) = (folder / "results" / "runs").glob("mine--infoseg--seed0--*")
    with np.load(run / "counts.npz") as counts:
        before = {name: counts[name] for name in counts.files}
    words = ["run", "--dataset", "mine", "--method", "infoseg", "--steps", "4", *SMALL_INFOSEG, "--force"]
    assert launched_here(folder, *words, "--no-report").returncode == 0
    with np.load(run / "counts.npz") as counts:
        assert all(np.array_equal(counts[name], before[name]) for name in before)

"""Photos that nobody has labelled: prepared, segmented and shown, and never scored."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import infoseg_bench
from infoseg_bench.records.folder import RunFolder
from infoseg_bench.records.record import UnscoredRecord
from tests.cli.commands import SMALL_INFOSEG, launched_here, write_photos

RUN = ["run", "--dataset", "holiday", "--method", "kmeans", "--method", "infoseg", "--seeds", "0-1"]
RUN += ["--steps", "4", "--evaluate-every", "2", "--snapshots", "2", *SMALL_INFOSEG]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("unlabelled")
    write_photos(path)
    words = ["--name", "holiday", "--images", "photos", "--clusters", "3", "--crop", "32"]
    prepared = launched_here(path, "prepare", "image-folder", *words)
    assert prepared.returncode == 0, prepared.stderr
    done = launched_here(path, *RUN)
    assert done.returncode == 0, done.stderr
    (path / "output.txt").write_text(done.stdout)
    return path


def runs(folder: Path) -> list[RunFolder]:
    return [RunFolder(path) for path in sorted((folder / "results" / "runs").iterdir())]


def test_every_run_keeps_segments_and_no_scores(folder: Path) -> None:
    assert len(runs(folder)) == 4
    for run in runs(folder):
        record = run.record()
        assert isinstance(record, UnscoredRecord)
        assert record.dataset.clusters == 3
        assert record.dataset.shown_images == 8
        assert sum(record.sizes.shares) == pytest.approx(1)
        assert not run.counts_file.exists()
        content = json.loads(run.record_file.read_text())
        assert content["last"] is content["best"] is None
        assert "pixel_accuracy" not in run.curve_file.read_text()


def test_the_curve_shows_how_clusters_are_used(folder: Path) -> None:
    (run,) = (run for run in runs(folder) if "infoseg--seed0" in run.path.name)
    lines = [json.loads(line) for line in run.curve_file.read_text().splitlines()]
    assert [line["step"] for line in lines if "cluster_entropy" in line] == [0, 2, 4]


def test_status_shows_steps_and_diagnostics_as_of_scored_runs(folder: Path) -> None:
    states = {run.folder: run for run in infoseg_bench.status(folder / "results")}
    assert len(states) == 4
    for name, run in states.items():
        assert (run.state, run.pixel_accuracy) == ("finished", None)
        assert run.step == (4 if "infoseg" in name else None)
        assert "cluster_usage" in run.diagnostics
    done = launched_here(folder, "compare", "results", "results")
    assert done.returncode == 1
    assert "results: no finished and scored run to compare" in done.stderr


def test_the_same_command_again_repeats_nothing(folder: Path) -> None:
    before = [run.record_file.stat().st_mtime_ns for run in runs(folder)]
    done = launched_here(folder, *RUN)
    assert done.returncode == 0, done.stderr
    assert [run.record_file.stat().st_mtime_ns for run in runs(folder)] == before


def test_run_shows_cluster_sizes_and_agreement_and_writes_a_gallery(folder: Path) -> None:
    output = (folder / "output.txt").read_text()
    assert "8 photos without labels, 3 clusters" in output
    assert "infoseg-bench predict --run" in output
    assert "leaderboard" not in output
    shown = output[output.index("holiday: 8 photos") :].splitlines()
    assert max(len(line) for line in shown if not line.startswith(("segments:", "photos of"))) <= 80
    (page,) = (folder / "results" / "report" / "local").glob("holiday--*/index.html")
    html = page.read_text()
    assert html.count('class="photo"') == 8
    assert html.count("segments of ") == 16
    assert "pixel accuracy" not in html


def test_galleries_of_one_title_are_told_apart_and_say_why_photos_are_missing(folder: Path) -> None:
    prepare = ["prepare", "image-folder", "--images", "photos", "--clusters", "3", "--crop", "32"]
    for name, words in (("sea", []), ("sea", ["--crop", "16"]), ("hill", [])):
        done = launched_here(folder, *prepare, "--name", name, "--title", "Trip", "--data", "trips", *words)
        assert done.returncode == 0, done.stderr
        done = launched_here(
            folder, "run", "--dataset", name, "--method", "kmeans", "--data", "trips", "--results", "trip"
        )
        assert done.returncode == 0, done.stderr
    index = (folder / "trip" / "report" / "leaderboard.md").read_text()
    titles = re.findall(r"^- \[(.*?):", index, flags=re.MULTILINE)
    assert sorted(titles) == ["Trip (hill)", "Trip (sea, 16x16)", "Trip (sea, 32x32)"]
    pages = {path.read_text() for path in (folder / "trip" / "report").rglob("*segments*/index.html")}
    assert sum("prepared again with other content" in page for page in pages) == 1
    assert len({page.partition("<h1>")[2].partition("</h1>")[0] for page in pages}) == 3
    listed = launched_here(folder, "list", "--data", "trips").stdout
    assert "3 clusters, 8 photos" in listed


def test_animations_are_shown_beside_photos_and_nowhere_else(folder: Path) -> None:
    for data, shown in (("data", 2), ("nowhere", 0)):
        done = launched_here(folder, "report", "--data", data, "--out", f"with {data}")
        assert done.returncode == 0, done.stderr
        (page,) = (folder / f"with {data}").rglob("holiday--*/index.html")
        assert page.read_text().count("data:image/gif") == shown
        assert page.read_text().count('class="photo"') == 4 * shown


def test_a_report_of_nothing_but_unlabelled_photos_leads_to_them(folder: Path) -> None:
    done = launched_here(folder, "report", "--results", "results", "--out", "alone")
    assert done.returncode == 0, done.stderr
    html, index = ((folder / "alone" / name).read_text() for name in ("index.html", "leaderboard.md"))
    assert "No run could be read" not in html
    (address,) = re.findall(r'href="([^"#]+/index\.html)"', html)
    assert (folder / "alone" / address).is_file()
    assert f"[holiday: 8 photos without labels, 3 clusters]({address})" in index
    assert "on this machine only" in html


def test_rows_of_one_method_are_told_apart_by_their_settings(folder: Path) -> None:
    done = launched_here(folder, *RUN[:5], "--set", "kmeans.sample=50", "--results", "more")
    assert done.returncode == 0, done.stderr
    done = launched_here(folder, "report", "--results", "results", "--results", "more", "--out", "both")
    assert done.returncode == 0, done.stderr
    (page,) = (folder / "both" / "local").glob("holiday--*/index.html")
    assert "K-Means (sample=50), seed 0" in page.read_text()
    (file,) = (folder / "both").glob("holiday--*/sizes.csv")
    table = pd.read_csv(file)
    assert table["method"].nunique() == 3
    assert table.loc[table["method"].str.startswith("K-Means"), "steps"].isna().all()
    assert "K-Means (sample=50)" in done.stdout
    assert max(map(len, done.stdout.partition("segments:")[0].splitlines())) <= 80
    assert "-0.00" not in done.stdout


def test_the_table_of_sizes_loads_in_pandas(folder: Path) -> None:
    (file,) = (folder / "results" / "report").glob("holiday--*/sizes.csv")
    table = pd.read_csv(file)
    assert len(table) == 4
    np.testing.assert_allclose(table.filter(regex=r"^cluster_\d").sum(axis=1), 1)
    assert table["seeds_nmi"].between(0, 1).all()


def test_predict_writes_clusters_in_a_palette_and_an_overlay(folder: Path) -> None:
    (run,) = (run for run in runs(folder) if "kmeans--seed0" in run.path.name)
    done = launched_here(folder, "predict", "--run", str(run.path), "photos", "--out", "segmented")
    assert done.returncode == 0, done.stderr
    assert "% cluster 0" in done.stdout
    assert len(list((folder / "segmented").glob("*-overlay.png"))) == 8
    with Image.open(next((folder / "segmented").glob("*-labels.png"))) as labels:
        assert labels.mode == "P"
        assert set(np.unique(np.asarray(labels))) <= {0, 1, 2}


def test_an_exported_model_names_its_clusters(folder: Path) -> None:
    (run,) = (run for run in runs(folder) if "infoseg--seed1" in run.path.name)
    words = ["--run", str(run.path), "--licence", "CC BY 4.0", "--out", "holiday.safetensors"]
    done = launched_here(folder, "export", *words)
    assert done.returncode == 0, done.stderr
    card = (folder / "holiday.md").read_text()
    assert "Cluster sizes" in card
    assert "pixel accuracy" not in card


def test_verify_recomputes_cluster_sizes(folder: Path, tmp_path: Path) -> None:
    done = launched_here(folder, "verify", "results")
    assert done.returncode == 0, done.stderr
    copy = tmp_path / "results"
    shutil.copytree(folder / "results", copy)
    run = runs(tmp_path)[0]
    content = json.loads(run.record_file.read_text())
    content["sizes"]["shares"] = content["sizes"]["shares"][::-1]
    run.record_file.write_text(json.dumps(content))
    done = launched_here(tmp_path, "verify", "results")
    assert done.returncode == 1
    assert "cluster sizes do not follow from its segments" in done.stdout

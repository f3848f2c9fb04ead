"""A trained run on a person's own photos, and its weights given away."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image

from infoseg_bench import load_model
from infoseg_bench.baselines.kmeans import KMeans
from infoseg_bench.cli import main
from infoseg_bench.errors import UserError
from infoseg_bench.inference.model import photo_pixels
from infoseg_bench.records.folder import RunFolder
from tests.cli.commands import SMALL_INFOSEG, launched_here, prepare_photos

PAIRS = [
    word
    for setting in ("width=2", "batch=4", "patch=5", "branch=4", "hidden=8", "cluster_pixels=200")
    for word in ("--set", f"doersch.{setting}")
]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("own-photos")
    prepare_photos(path)
    words = ["--method", "kmeans", "--method", "infoseg", "--method", "doersch", "--steps", "2", *PAIRS]
    done = launched_here(path, "run", "--dataset", "mine", *words, *SMALL_INFOSEG, "--no-report")
    assert done.returncode == 0, done.stderr
    return path


@pytest.fixture
def folder(trained: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(trained)
    shutil.rmtree(trained / "segmented", ignore_errors=True)
    return trained


def call(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, list(words), catch_exceptions=False)
    assert "Traceback" not in result.output
    return result.exit_code, result.output


def run_of(folder: Path, method: str) -> RunFolder:
    (path,) = (folder / "results" / "runs").glob(f"mine--{method}--*")
    return RunFolder(path)


def disk_photo(height: int = 70, width: int = 90) -> np.ndarray:
    """A bright disk on dark noise, as the training photos, at another size."""
    rows, columns = np.mgrid[:height, :width]
    disk = ((rows - 30) ** 2 + (columns - 50) ** 2 < 400)[..., None]
    noise = np.random.default_rng(5).integers(0, 90, (height, width, 3))
    return np.asarray(noise + 120 * disk, dtype=np.uint8)


def test_a_photo_larger_than_the_crop_gets_labels_overlay_and_legend(folder: Path) -> None:
    photo = disk_photo()
    Image.fromarray(photo).save(folder / "disk.png")
    identity = run_of(folder, "kmeans").spec().identity
    status, output = call("predict", "--run", identity[:6], "disk.png")
    assert status == 0, output
    assert "% disk" in output
    with Image.open(folder / "segmented" / "disk-labels.png") as labels:
        assert labels.mode == "P"
        found = np.asarray(labels)
    expected = photo[..., 0] > 105
    assert found.shape == (70, 90)
    assert float((found == expected).mean()) > 0.97
    with Image.open(folder / "segmented" / "disk-overlay.png") as overlay:
        assert overlay.size == (90, 70)
    assert (folder / "segmented" / "legend.png").exists()


def test_a_folder_with_every_kind_of_photo_is_done_and_a_damaged_one_named(folder: Path) -> None:
    album = folder / "album"
    shutil.rmtree(album, ignore_errors=True)
    album.mkdir()
    photo = Image.fromarray(disk_photo())
    turned = Image.Exif()
    turned[0x0112] = 6
    photo.save(album / "turned.jpg", exif=turned)
    photo.convert("L").save(album / "grey.png")
    photo.convert("CMYK").save(album / "print.jpg")
    photo.resize((9, 7)).save(album / "tiny.png")
    (album / "damaged.jpg").write_bytes(b"\xff\xd8\xff")
    status, output = call("predict", "--run", str(run_of(folder, "infoseg").path), "album")
    assert status == 1
    assert "left out: album/damaged.jpg" in output
    assert "4 photos segmented" in output
    sizes = {}
    for file in (folder / "segmented").glob("*-labels.png"):
        with Image.open(file) as image:
            sizes[file.name.removesuffix("-labels.png")] = image.size
    assert sizes == {"turned": (70, 90), "grey": (90, 70), "print": (90, 70), "tiny": (9, 7)}


def test_results_never_go_among_the_photos(folder: Path) -> None:
    (folder / "mine").mkdir(exist_ok=True)
    Image.fromarray(disk_photo()).save(folder / "mine" / "disk.png")
    status, output = call("predict", "--run", str(run_of(folder, "kmeans").path), "mine", "--out", "mine/.")
    assert status == 2
    assert "--out mine is the photos' folder" in output
    assert [file.name for file in (folder / "mine").iterdir()] == ["disk.png"]


def test_results_below_the_photos_are_not_segmented_next_time(folder: Path) -> None:
    predict = ["predict", "--run", str(run_of(folder, "kmeans").path)]
    (folder / "trip" / "day").mkdir(parents=True)
    for name in ("trip/a.png", "trip/day/b.png"):
        Image.fromarray(disk_photo()).save(folder / name)
    for _ in range(2):
        status, output = call(*predict, "trip", "--out", "trip/segmented")
        assert status == 0
        assert "2 photos segmented" in output
    assert "1 photo segmented" in call(*predict, "trip/a.png", "trip/../trip/a.png")[1]
    (folder / "left").mkdir()
    (folder / "trip" / "segmented").rename(folder / "left" / "segmented")
    status, output = call(*predict, "left", "--out", "left/segmented")
    assert (status, "no photos but the results in --out left/segmented" in output) == (1, True)


def test_photos_below_the_folder_of_the_results_are_photos(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    predict = ["predict", "--run", str(run_of(folder, "kmeans").path.resolve())]
    (folder / "here" / "holiday").mkdir(parents=True)
    for name in ("here/a.png", "here/holiday/b.png"):
        Image.fromarray(disk_photo()).save(folder / name)
    monkeypatch.chdir(folder / "here")
    for _ in range(2):
        assert "2 photos segmented" in call(*predict, "a.png", "holiday", "--out", ".")[1]


@pytest.mark.parametrize("scale", ["nan", "inf"])
def test_a_scale_that_is_no_number_is_refused(folder: Path, scale: str) -> None:
    status, output = call("predict", "--run", str(run_of(folder, "kmeans").path), "x.png", "--scale", scale)
    assert status == 2
    assert "--scale" in output


def test_two_photos_of_one_name_are_refused_before_anything_is_written(folder: Path) -> None:
    for place in ("one", "two"):
        (folder / place).mkdir(exist_ok=True)
        Image.fromarray(disk_photo()).save(folder / place / "same.png")
    status, output = call("predict", "--run", str(run_of(folder, "kmeans").path), "one", "two")
    assert status == 2
    assert "have the same name" in output
    assert not (folder / "segmented").exists()


@pytest.mark.parametrize("method", ["kmeans", "infoseg", "doersch"])
def test_an_exported_model_predicts_what_the_run_did(folder: Path, method: str) -> None:
    run = run_of(folder, method)
    status, output = call(
        "export", "--run", str(run.path), "--licence", "CC BY 4.0", "--out", "m.safetensors"
    )
    assert status == 0, output
    photo = disk_photo()
    Image.fromarray(photo).save(folder / "photo.png")
    assert call("predict", "--run", str(run.path), "photo.png")[0] == 0
    model = load_model(folder / "m.safetensors", device="cpu")
    labels = model.predict(folder / "photo.png")
    with Image.open(folder / "segmented" / "photo-labels.png") as image:
        assert np.array_equal(labels, np.asarray(image))
    assert model.classes == ("background", "disk")
    card = (folder / "m.md").read_text()
    record = run.finished_record()
    assert record is not None
    for text in (
        record.identity, record.spec.fingerprint, "CC BY 4.0", "that of the photos",
        f"| pixel accuracy (PA) | {100 * record.pixel_accuracy:.1f} |",
    ):  # fmt: skip
        assert text in card


def test_a_model_takes_a_path_a_pillow_image_or_an_array(folder: Path) -> None:
    assert call("export", "--run", str(run_of(folder, "kmeans").path), "--out", "k.safetensors")[0] == 0
    model = load_model(folder / "k.safetensors", device="cpu")
    photo = disk_photo()
    Image.fromarray(photo).save(folder / "photo.png")
    expected = model.predict(photo)
    for same in (folder / "photo.png", str(folder / "photo.png"), Image.fromarray(photo)):
        np.testing.assert_array_equal(model.predict(same), expected)


@pytest.mark.parametrize(
    ("photo", "message"),
    [
        (b"bytes", "of type bytes: use a path"),
        (None, "of type NoneType"),
        (torch.zeros(3, 40, 40), "of type Tensor"),
        (np.zeros((40, 40, 3)), "array of float64, 40 x 40 x 3"),
        (np.zeros((40, 40), dtype=np.uint8), "array of uint8, 40 x 40: use"),
    ],
)
def test_what_is_no_photo_is_named(photo: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        photo_pixels(photo)


def test_the_photos_of_the_evaluation_are_segmented_as_they_were_scored(folder: Path) -> None:
    run = run_of(folder, "infoseg")
    assert call("evaluate", "--dataset", "mine", "--write-images", "crops")[0] == 0
    assert call("predict", "--run", str(run.path), "crops")[0] == 0
    maps = folder / "maps"
    shutil.rmtree(maps, ignore_errors=True)
    maps.mkdir()
    for file in (folder / "segmented").glob("*-labels.png"):
        shutil.copy(file, maps / file.name.replace("-labels", ""))
    output = call("evaluate", "--dataset", "mine", "--predictions", "maps")[1]
    record = run.finished_record()
    assert record is not None
    assert f"PA {100 * record.pixel_accuracy:.2f} % (one-to-one" in output


def test_an_unfinished_run_is_one_clear_line_and_taken_on_request(folder: Path, tmp_path: Path) -> None:
    run = RunFolder(tmp_path / run_of(folder, "infoseg").path.name)
    shutil.copytree(run_of(folder, "infoseg").path, run.path)
    run.record_file.unlink()
    Image.fromarray(disk_photo()).save(folder / "photo.png")
    for words in (["predict", "photo.png"], ["export"]):
        status, output = call(*words, "--run", str(run.path))
        assert status == 1
        assert "this run is not finished (interrupted at step 2 of 2)" in output
        assert len(output.splitlines()) == 1
    status, output = call("predict", "photo.png", "--run", str(run.path), "--allow-unfinished")
    assert status == 0, output
    assert "% cluster" in output


def test_a_run_that_is_unknown_or_ambiguous_or_without_weights_is_named(folder: Path, tmp_path: Path) -> None:
    Image.fromarray(disk_photo()).save(folder / "photo.png")
    assert "neither a run folder" in call("predict", "--run", "zz", "photo.png")[1]
    assert "3 runs match" in call("predict", "--run", "mine--", "photo.png")[1]
    bare = tmp_path / run_of(folder, "kmeans").path.name
    shutil.copytree(run_of(folder, "kmeans").path, bare, ignore=shutil.ignore_patterns("checkpoint.pt"))
    status, output = call("predict", "--run", str(bare), "photo.png")
    assert status == 1
    assert "no intact checkpoint" in output


def test_older_weights_are_not_passed_off_as_those_that_were_scored(folder: Path, tmp_path: Path) -> None:
    run = RunFolder(tmp_path / run_of(folder, "infoseg").path.name)
    shutil.copytree(run_of(folder, "infoseg").path, run.path)
    content = torch.load(run.checkpoint_file, weights_only=True)
    content["harness"]["step"] = 1
    torch.save(content, run.previous_checkpoint_file)
    run.checkpoint_file.write_bytes(run.checkpoint_file.read_bytes()[:1000])
    status, output = call("export", "--run", str(run.path), "--out", str(tmp_path / "model.safetensors"))
    assert status == 1
    assert "the record belongs to step 2, but the intact weights to step 1" in output
    assert not (tmp_path / "model.safetensors").exists()


def test_a_damaged_or_foreign_weights_file_is_refused(folder: Path, tmp_path: Path) -> None:
    from safetensors.torch import save_file

    save_file({"a": torch.zeros(2)}, tmp_path / "foreign.safetensors")
    (tmp_path / "damaged.safetensors").write_bytes(b"not this")
    for name, says in (("foreign", "not a model"), ("damaged", "not a readable"), ("absent", "no such file")):
        with pytest.raises(UserError, match=says):
            load_model(tmp_path / f"{name}.safetensors")


@pytest.mark.parametrize(
    "damage", [lambda path: path.write_bytes(b""), lambda path: path.write_bytes(b"x" * 300)]
)
def test_a_report_without_a_readable_checkpoint_has_no_panels_and_says_why(
    folder: Path, damage: Callable[[Path], object]
) -> None:
    run = run_of(folder, "kmeans")
    copy = folder / "damaged" / "runs" / run.path.name
    shutil.copytree(run.path, copy, dirs_exist_ok=True)
    damage(copy / "checkpoint.pt")
    status, output = call("report", "--results", "damaged", "--embed-photos")
    assert status == 0, output
    page = (folder / "damaged" / "report" / "index.html").read_text()
    assert "checkpoint.pt" in page
    assert "What they see" not in page


def test_a_method_that_fails_on_what_it_is_shown_stops_no_report(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = KMeans.load_state

    def failing(*_: object) -> None:
        raise AttributeError("no such thing")

    monkeypatch.setattr("infoseg_bench.baselines.kmeans.KMeans.load_state", failing)
    status, output = call("report", "--out", "failing", "--embed-photos")
    assert status == 0, output
    pages = [path.read_text() for path in (folder / "failing").rglob("index.html")]
    assert any("made by another network (no such thing)" in page for page in pages)
    monkeypatch.setattr("infoseg_bench.baselines.kmeans.KMeans.load_state", original)
    monkeypatch.setattr("infoseg_bench.baselines.kmeans.KMeans.scores", failing)
    status, output = call("report", "--out", "failing", "--embed-photos")
    assert status == 0, output
    pages = [path.read_text() for path in (folder / "failing").rglob("index.html")]
    assert any("the method fails (AttributeError: no such thing)" in page for page in pages)

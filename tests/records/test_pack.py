"""Packs: written, read like a folder, and safe to read whoever made them."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import infoseg_bench
from infoseg_bench.cli import main
from infoseg_bench.errors import UserError
from infoseg_bench.records.folder import RunFolder
from infoseg_bench.records.pack import LARGEST_TEXT, packed_runs
from infoseg_bench.records.sources import stored_runs
from tests.reporting.runs import add_run, counts_with, edit_counts, edit_record


@pytest.fixture
def results(tmp_path: Path) -> Path:
    folder = tmp_path / "results"
    for seed in range(3):
        run = add_run(folder, last=counts_with(70 + seed), seed=seed, parameters={"lr": 0.1})
        run.curve_file.write_text(f'{{"step": 100, "pixel_accuracy": {0.7 + seed / 100}}}\n')
        (run.path / "checkpoint.pt").write_bytes(b"weights stay at home")
    add_run(folder, last=counts_with(60), seed=9).record_file.unlink()
    return folder


@pytest.fixture
def pack(results: Path, tmp_path: Path) -> Path:
    infoseg_bench.pack(results, out=tmp_path / "table.zip")
    return tmp_path / "table.zip"


def call(*arguments: object) -> tuple[int, str]:
    done = CliRunner().invoke(main, [str(one) for one in arguments], catch_exceptions=False)
    return done.exit_code, done.output


def test_a_pack_holds_every_finished_run_byte_for_byte_and_nothing_else(results: Path, pack: Path) -> None:
    runs = packed_runs(pack)
    assert len(runs) == 3
    for run in runs:
        folder = RunFolder(results / "runs" / run.path.name)
        for file in (folder.spec_file, folder.record_file, folder.counts_file, folder.curve_file):
            assert run.content(run.path / file.name) == file.read_bytes()
    with zipfile.ZipFile(pack) as archive:
        assert len(archive.namelist()) == 1 + 3 * 4


def test_the_same_runs_give_the_same_bytes_from_folders_and_from_packs(results: Path, pack: Path) -> None:
    again, parts = pack.with_name("again.zip"), pack.parent / "parts"
    infoseg_bench.pack(pack, out=again)
    assert again.read_bytes() == pack.read_bytes()
    for seed in range(3):
        one = pack.parent / f"seed{seed}"
        (one / "runs").mkdir(parents=True)
        (source,) = results.glob(f"runs/*seed{seed}*")
        source.rename(one / "runs" / source.name)
        infoseg_bench.pack(one, out=parts / f"{2 - seed}.zip")
    infoseg_bench.pack(parts, out=again)
    assert again.read_bytes() == pack.read_bytes()


def test_the_command_counts_what_it_packs_and_names_what_it_leaves_out(results: Path, tmp_path: Path) -> None:
    out = tmp_path / "some" / "new.zip"
    assert call("pack", results, "--out", out) == (0, f"3 runs packed, 1 unfinished left out: {out}\n")
    damaged = RunFolder(next(results.glob("runs/*seed1*")))
    edit_record(damaged, lambda record: record["last"]["one_to_one"].update(pixel_accuracy=0.99))
    status, output = call("pack", results, "--out", out)
    assert status == 1
    assert f"left out: {damaged.record_file}: its scores (last) do not follow from its counts" in output
    assert len(packed_runs(out)) == 2
    status, output = call("pack", results, "--out", tmp_path / "pack.tar")
    assert status == 1
    assert "ends in .zip" in output
    status, output = call("pack", tmp_path / "nowhere", "--out", out)
    assert status == 1
    assert "no finished run to pack" in output


def test_verify_and_report_read_a_pack_as_they_read_its_folder(results: Path, pack: Path) -> None:
    assert call("verify", pack) == (0, "3 records verified.\n")
    of_folder, of_pack = results.parent / "of-folder", results.parent / "of-pack"
    assert call("report", "--results", results, "--out", of_folder)[0] == 0
    assert call("report", "--results", pack, "--out", of_pack)[0] == 0
    names = sorted(str(file.relative_to(of_folder)) for file in of_folder.rglob("*.*"))
    assert names == sorted(str(file.relative_to(of_pack)) for file in of_pack.rglob("*.*"))
    for name in names:
        assert (of_folder / name).read_bytes() == (of_pack / name).read_bytes(), name


def test_several_sources_are_one_and_a_run_in_two_of_them_counts_once(results: Path, pack: Path) -> None:
    more = results.parent / "more"
    add_run(more, last=counts_with(80), seed=7)
    assert call("verify", pack, more, results.parent) == (0, "4 records verified.\n")
    infoseg_bench.pack(more, out=more / "its-own.zip")
    runs, problems = stored_runs([more, pack])
    assert (len(runs), problems) == (4, [])
    changed = RunFolder(next(results.glob("runs/*seed1*")))
    edit_record(changed, lambda record: record.update(warnings=["changed"]))
    runs, problems = stored_runs([pack, results])
    assert len(runs) == 4
    assert problems == [f"{changed.path}: differs from {pack / changed.path.name}, which is used instead"]


def rewrite(pack: Path, change: Callable[[dict[str, bytes]], object], kind: int = zipfile.ZIP_STORED) -> None:
    with zipfile.ZipFile(pack) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    with zipfile.ZipFile(pack, "w", kind) as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def only_a_large_curve(members: dict[str, bytes]) -> None:
    members.clear()
    members.update({"pack.json": b"{}", "run/curve.jsonl": b"\0" * (LARGEST_TEXT + 1)})


@pytest.mark.parametrize(
    ("change", "kind", "message"),
    [
        (lambda members: members.update({"../../escaped/spec.json": b"{}"}), 0, "does not belong in one"),
        (lambda members: members.update({"/etc/record.json": b"{}"}), 0, "does not belong in one"),
        (lambda members: members.update({"../record.json": b"{}"}), 0, "does not belong in one"),
        (lambda members: members.update({"run/checkpoint.pt": b"pickle"}), 0, "does not belong in one"),
        (lambda members: members.update({"run/counts.npz": b"\0" * 10_000_000}), 8, "is compressed twice"),
        (only_a_large_curve, 8, "'run/curve.jsonl' has more than 64.0 MiB"),
        (lambda members: members.pop("pack.json"), 0, "does not begin with pack.json"),
        (lambda members: members.update({"pack.json": b'{"format": "9"}'}), 0, "its format is"),
        (lambda members: members.update({"pack.json": b"[" * 100_000}), 0, "not a pack"),
        (lambda members: members.clear(), 0, "does not begin with pack.json"),
    ],
)
def test_an_archive_that_is_no_pack_is_refused_in_one_line(
    pack: Path, change: Callable[[dict[str, bytes]], object], kind: int, message: str
) -> None:
    rewrite(pack, change, kind)
    status, output = call("verify", pack)
    assert status == 1
    assert output.startswith(f"{pack}: not a pack (")
    assert message in output
    with pytest.raises(UserError, match="infoseg-bench pack writes one"):
        packed_runs(pack)


@pytest.mark.parametrize("content", [b"", b"not a zip", None])
def test_a_file_that_is_no_archive_hides_no_other_source(
    results: Path, pack: Path, content: bytes | None
) -> None:
    content = pack.read_bytes()[:-40] if content is None else content
    pack.with_name("broken.zip").write_bytes(content)
    status, output = call("verify", results.parent)
    assert status == 1
    assert f"{pack.with_name('broken.zip')}: not a pack (" in output
    assert "3 records verified." in output


def with_counts(pack: Path, make: Callable[[dict[str, np.ndarray]], bytes]) -> None:
    def change(members: dict[str, bytes]) -> None:
        name = min(name for name in members if name.endswith("counts.npz"))
        with np.load(io.BytesIO(members[name])) as arrays:
            members[name] = make(dict(arrays))

    rewrite(pack, change)


def test_counts_are_never_unpickled(pack: Path, tmp_path: Path) -> None:
    class Hostile:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return Path.touch, (tmp_path / "touched",)  # type: ignore[return-value]

    def make(arrays: dict[str, np.ndarray]) -> bytes:
        buffer = io.BytesIO()
        np.savez_compressed(
            buffer, **{**arrays, "ids": np.array([Hostile()], dtype=object)}, allow_pickle=True
        )
        return buffer.getvalue()

    with_counts(pack, make)
    status, output = call("verify", pack)
    assert status == 1
    assert "not readable counts" in output
    assert not (tmp_path / "touched").exists()


def test_counts_that_would_fill_the_memory_are_refused(pack: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infoseg_bench.records.arrays.LARGEST", 1 << 20)

    def make(arrays: dict[str, np.ndarray]) -> bytes:
        buffer = io.BytesIO()
        arrays["last_images"] = np.zeros((100_000, 2, 2), np.int64)
        np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
        return buffer.getvalue()

    with_counts(pack, make)
    status, output = call("verify", pack)
    assert status == 1
    assert "not readable counts (more than 1.0 MiB)" in output
    assert "2 records verified." in output


def test_damage_inside_one_run_hides_no_other(pack: Path) -> None:
    content = bytearray(pack.read_bytes())
    place = content.index(b"PK", content.index(b"counts.npz") + 10) + 40
    content[place : place + 4] = b"\xff\xff\xff\xff"
    pack.write_bytes(content)
    status, output = call("verify", pack)
    assert status == 1
    assert "2 records verified." in output


def test_edited_counts_in_a_pack_are_found(results: Path, pack: Path) -> None:
    folder = RunFolder(next(results.glob("runs/*seed1*")))
    edit_counts(folder, lambda arrays: arrays["last"].__iadd__(1), cover=False)
    rewrite(
        pack,
        lambda members: members.update({f"{folder.path.name}/counts.npz": folder.counts_file.read_bytes()}),
    )
    status, output = call("verify", pack)
    assert status == 1
    assert "not the counts that the record was made from" in output

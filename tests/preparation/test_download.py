from __future__ import annotations

import hashlib
import os
import threading
from pathlib import Path

import pytest

from infoseg_bench.contracts.recipe import SourceFile
from infoseg_bench.errors import UserError
from infoseg_bench.preparation import http_download as module
from infoseg_bench.preparation.download import check_space, missing, obtain, plan
from infoseg_bench.utils.progress import no_progress
from tests.datasets.official import zip_files
from tests.preparation.server import Server, serving


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WAITS", (0.0, 0.0, 0.0))


@pytest.fixture
def content(tmp_path: Path) -> bytes:
    """A small archive, as bytes."""
    names = [f"train2017/{number:012d}.jpg" for number in range(20)]
    return zip_files(tmp_path / "made.zip", {name: name.encode() * 90 for name in names}).read_bytes()


def archive(server: Server, **known: int | str) -> SourceFile:
    return SourceFile(
        name="train2017.zip",
        address=server.address,
        unpacked="train2017",
        **known,  # type: ignore[arg-type]
    )


def get(source: SourceFile, folder: Path, waited: list[Path] | None = None) -> bytes:
    waiting = [] if waited is None else waited
    obtain(source, folder, no_progress, size=source.size, waiting=waiting.append)
    return (folder / source.name).read_bytes()


def visible(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name[0] != ".")


def test_a_download_is_verified_and_its_hash_kept_beside_it(tmp_path: Path, content: bytes) -> None:
    folder, digest = tmp_path / "downloads", hashlib.sha256(content).hexdigest()
    with serving(content) as server:
        assert get(archive(server, size=len(content), sha256=digest), folder) == content
    assert visible(folder) == ["train2017.zip", "train2017.zip.sha256"]
    assert (folder / "train2017.zip.sha256").read_text() == f"{digest}  train2017.zip\n"


def test_several_data_sets_share_one_download(tmp_path: Path, content: bytes) -> None:
    with serving(content) as server:
        for _ in range(2):
            get(archive(server), tmp_path / "downloads")
        assert missing([archive(server)], tmp_path / "downloads") == []
    assert len(server.ranges) == 1


def test_two_at_once_share_one_download(tmp_path: Path, content: bytes) -> None:
    arrived: list[bytes] = []
    waited: list[Path] = []
    with serving(content, "drop", "drop", "503") as server:
        threads = [
            threading.Thread(
                target=lambda: arrived.append(get(archive(server), tmp_path / "downloads", waited))
            )
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert arrived == [content] * 4
    assert len(server.ranges) == 4  # three answers that were no good, and one that was


@pytest.mark.parametrize("known", ["sha256", "nothing"])
def test_wrong_bytes_are_told_and_never_get_the_archives_name(
    tmp_path: Path, content: bytes, known: str
) -> None:
    digest = {"sha256": hashlib.sha256(content).hexdigest()} if known == "sha256" else {}
    words = "not the official" if digest else "damaged or truncated"
    with serving(content, "wrong") as server:
        source = archive(server, size=len(content), **digest)
        with pytest.raises(UserError, match=words):
            get(source, tmp_path / "downloads")
        assert visible(tmp_path / "downloads") == []
        assert get(source, tmp_path / "downloads") == content


def test_a_damaged_file_inside_is_found_by_its_crc(tmp_path: Path, content: bytes) -> None:
    broken = bytearray(content)
    broken[broken.find(b"train2017/000000000007.jpg" * 2) + 200] ^= 1
    with serving(bytes(broken)) as server, pytest.raises(UserError, match=r"0+7\.jpg: damaged .*Bad CRC"):
        get(archive(server), tmp_path / "downloads")
    assert visible(tmp_path / "downloads") == []


@pytest.mark.parametrize("behaviour", ["few", "many"])
def test_another_size_is_told(tmp_path: Path, content: bytes, behaviour: str) -> None:
    with serving(content, behaviour) as server, pytest.raises(UserError, match="the official file has"):
        get(archive(server, size=len(content)), tmp_path / "downloads")


def test_an_archive_that_has_changed_since_is_found(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "downloads" / "train2017.zip"
    with serving(content) as server:
        get(archive(server), path.parent)
        later = path.with_name("train2017.zip.sha256").stat().st_mtime_ns + 10**9
        os.utime(path, ns=(later, later))
        assert get(archive(server), path.parent) == content
        path.write_bytes(content[:-1] + b"x")
        os.utime(path, ns=(2 * later, 2 * later))
        with pytest.raises(UserError, match=r"train2017\.zip: changed since it was verified: remove it"):
            get(archive(server), path.parent)
    assert len(server.ranges) == 1


def test_an_archive_that_people_have_put_there_is_verified_too(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "downloads").mkdir()
    (tmp_path / "downloads" / "train2017.zip").write_bytes(content)
    with serving(content) as server:
        get(archive(server, size=len(content)), tmp_path / "downloads")
        assert server.ranges == []
        (tmp_path / "downloads" / "train2017.zip.sha256").unlink()
        with pytest.raises(UserError, match=f"{len(content)} bytes, not the official 7"):
            get(archive(server, size=7), tmp_path / "downloads")


def test_the_plan_knows_sizes_and_what_has_arrived(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "train2017.zip.partial").write_bytes(content[:100])
    with serving(content) as server:
        (download,) = plan([archive(server)], tmp_path)
    assert (download.size, download.arrived, download.missing) == (len(content), 100, len(content) - 100)
    (tmp_path / "train2017").mkdir()
    assert plan([archive(server)], tmp_path) == []


def test_too_little_space_is_told_before_anything_is_downloaded(tmp_path: Path, content: bytes) -> None:
    with serving(content) as server:
        downloads = plan([archive(server, size=1 << 60)], tmp_path / "not" / "there")
    with pytest.raises(UserError, match=r"bytes are needed, and \d+ are free: .*--data"):
        check_space(downloads, tmp_path / "not" / "there", 0)
    assert check_space([], tmp_path, 1) > 0

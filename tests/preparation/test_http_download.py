from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from infoseg_bench.errors import UserError
from infoseg_bench.preparation import http_download as module
from infoseg_bench.preparation.http_download import remote_size, transfer
from infoseg_bench.utils.progress import Item, no_progress
from tests.preparation.server import Server, serving

CONTENT = bytes(range(256)) * 500
SIZE = len(CONTENT)


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WAITS", (0.0, 0.0, 0.0))


def fetch(server: Server, folder: Path, size: int | None = SIZE) -> bytes:
    transfer(server.address, folder / "file.partial", size=size, progress=no_progress)
    return (folder / "file.partial").read_bytes()


@pytest.mark.parametrize("size", [SIZE, None])
def test_a_file_arrives_whole(tmp_path: Path, size: int | None) -> None:
    with serving(CONTENT) as server:
        assert fetch(server, tmp_path, size) == CONTENT
        assert remote_size(server.address) == SIZE


def test_a_dropped_connection_is_continued_where_it_broke(tmp_path: Path) -> None:
    with serving(CONTENT, "drop", "drop") as server:
        assert fetch(server, tmp_path) == CONTENT
    assert server.ranges == [None, f"bytes={SIZE // 2}-", f"bytes={SIZE // 2 + SIZE // 4}-"]


def test_drops_that_bring_something_each_time_never_use_up_the_attempts(tmp_path: Path) -> None:
    with serving(CONTENT, *["drop"] * 8) as server:
        assert fetch(server, tmp_path) == CONTENT
    assert len(server.ranges) == 9


def test_what_an_earlier_command_has_left_is_continued(tmp_path: Path) -> None:
    (tmp_path / "file.partial").write_bytes(CONTENT[:1000])
    with serving(CONTENT) as server:
        assert fetch(server, tmp_path) == CONTENT
    assert server.ranges == ["bytes=1000-"]


def test_a_complete_one_asks_nothing(tmp_path: Path) -> None:
    (tmp_path / "file.partial").write_bytes(CONTENT)
    with serving(CONTENT) as server:
        assert fetch(server, tmp_path) == CONTENT
    assert server.ranges == []


def test_a_complete_one_of_unknown_size_is_kept(tmp_path: Path) -> None:
    (tmp_path / "file.partial").write_bytes(CONTENT)
    with serving(CONTENT) as server:
        assert fetch(server, tmp_path, None) == CONTENT
    assert server.ranges == [f"bytes={SIZE}-"]


def test_a_server_that_ignores_ranges_sends_everything_again(tmp_path: Path) -> None:
    (tmp_path / "file.partial").write_bytes(b"x" * 1000)
    with serving(CONTENT, "ignore-range") as server:
        assert fetch(server, tmp_path) == CONTENT


def test_another_range_than_asked_for_is_not_written(tmp_path: Path) -> None:
    (tmp_path / "file.partial").write_bytes(CONTENT[:1000])
    with serving(CONTENT, "shifted") as server:
        assert fetch(server, tmp_path) == CONTENT


@pytest.mark.parametrize("status", ["503", "500", "429"])
def test_a_busy_server_is_asked_again(tmp_path: Path, status: str) -> None:
    with serving(CONTENT, status, status) as server:
        assert fetch(server, tmp_path) == CONTENT


def test_a_server_that_stays_busy_is_told_and_nothing_is_lost(tmp_path: Path) -> None:
    (tmp_path / "file.partial").write_bytes(CONTENT[:1000])
    with (
        serving(CONTENT, *["503"] * 9) as server,
        pytest.raises(UserError, match=r"file\.zip: the server answers 503 .*continues after 1000 bytes"),
    ):
        fetch(server, tmp_path)
    assert (tmp_path / "file.partial").read_bytes() == CONTENT[:1000]


@pytest.mark.parametrize("status", ["404", "403"])
def test_a_file_that_is_not_there_is_told_at_once(tmp_path: Path, status: str) -> None:
    with serving(CONTENT, status) as server, pytest.raises(UserError, match=f"answers {status}.*--source"):
        fetch(server, tmp_path)
    assert len(server.ranges) == 1


def test_more_here_than_there_is_fetched_anew(tmp_path: Path) -> None:
    (tmp_path / "file.partial").write_bytes(CONTENT + b"more")
    with serving(CONTENT) as server:
        assert fetch(server, tmp_path) == CONTENT
    assert server.ranges == [f"bytes={SIZE + 4}-", None]


@pytest.mark.parametrize("behaviour", ["few", "many"])
def test_another_size_than_the_official_one_is_told_and_keeps_what_is_here(
    tmp_path: Path, behaviour: str
) -> None:
    (tmp_path / "file.partial").write_bytes(CONTENT[:1000])
    with (
        serving(CONTENT, behaviour) as server,
        pytest.raises(UserError, match=f"the official file has {SIZE}"),
    ):
        fetch(server, tmp_path)
    assert (tmp_path / "file.partial").read_bytes() == CONTENT[:1000]


def test_no_connection_is_one_line_with_the_host(tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{closed.getsockname()[1]}/file.zip"
        with pytest.raises(UserError, match=r"no connection to 127\.0\.0\.1 .*check the network") as caught:
            transfer(address, tmp_path / "file.partial", size=None, progress=no_progress)
        with pytest.raises(UserError, match=r"no connection to 127\.0\.0\.1"):
            remote_size(address)
    assert "\n" not in str(caught.value)


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file.partial").mkdir()
    with serving(CONTENT) as server, pytest.raises(UserError, match=r"file\.partial: cannot be written"):
        fetch(server, tmp_path, SIZE)


def test_an_interruption_keeps_what_has_arrived(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BLOCK", 1000)

    def interrupting(items: Sequence[Item], title: str) -> Iterator[Item]:
        for done, item in enumerate(items):
            if done == 3:
                raise KeyboardInterrupt
            yield item

    with serving(CONTENT) as server, pytest.raises(KeyboardInterrupt):
        transfer(server.address, tmp_path / "file.partial", size=SIZE, progress=interrupting)
    assert (tmp_path / "file.partial").read_bytes() == CONTENT[:3000]

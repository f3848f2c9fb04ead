from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infoseg_bench.datasets.coco.json_stream import read_array, stream_array
from infoseg_bench.errors import UserError

# yajl takes -2**63 for an overflow.
numbers = st.integers(1 - 2**63, 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    st.none() | st.booleans() | numbers | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    max_leaves=6,
)


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    content=st.dictionaries(st.sampled_from("abc"), st.lists(values, max_size=3), max_size=3),
    indent=st.sampled_from([None, 2]),
)
def test_gives_the_arrays_of_the_file(
    tmp_path: Path, content: dict[str, list[Any]], indent: int | None
) -> None:
    path = tmp_path / "file.json"
    path.write_text(json.dumps({"info": {"a": [1]}, **content}, indent=indent), encoding="utf-8")
    for name in "abc":
        expected = content.get(name, [])
        assert list(stream_array(path, name)) == read_array(path, name) == expected


@pytest.mark.parametrize("text", ["", '{"a": [1, 2', '{"a" 1}', '{"a": [1 2]}', '{"a": tru}', "{1: 2}"])
def test_damaged_files_are_named_with_the_remedy(tmp_path: Path, text: str) -> None:
    path = tmp_path / "file.json"
    path.write_text(text)
    for read in (read_array, stream_array):
        with pytest.raises(
            UserError, match=r"file\.json: damaged, or not COCO .*fetch the file again"
        ) as caught:
            list(read(path, "a"))
        assert "\n" not in str(caught.value)
        with pytest.raises(UserError, match=r"none\.json: no such file: check the source folder"):
            list(read(tmp_path / "none.json", "a"))


def test_a_file_cut_off_behind_the_array_is_found_by_streaming(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    path.write_text('{"a": [1], "b": 2')
    assert read_array(path, "a") == [1]
    with pytest.raises(UserError, match="damaged"):
        list(stream_array(path, "a"))


def test_another_value_where_an_array_should_be_is_told(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    path.write_text('{"a": {"b": 1}}')
    with pytest.raises(UserError, match=r"file\.json: 'a' is not an array: fetch the file again"):
        read_array(path, "a")


def test_a_byte_order_mark_is_skipped_and_utf_16_named(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes('{"a": [1, 2]}'.encode("utf-8-sig"))
    assert read_array(path, "a") == [1, 2]
    assert list(stream_array(path, "a")) == [1, 2]
    path.write_bytes('{"a": [1, 2]}'.encode("utf-16"))
    with pytest.raises(UserError, match=r"a\.json: UTF-16 text: save it as UTF-8"):
        read_array(path, "a")

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from pydantic import BaseModel, ValidationError

from infoseg_bench.errors import first_mistake
from infoseg_bench.utils.disk import disk_error, read_error
from infoseg_bench.utils.text import columns, duration, plural


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.04 s"), (3.2, "3 s"), (59.7, "1 min"), (61.0, "1 min"), (3599.0, "1.0 h"),
        (5400.0, "1.5 h"),
        (48 * 3600.0, "2.0 days"),
    ],
)  # fmt: skip
def test_a_time_has_one_unit_and_never_sixty_of_it(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_one_is_singular() -> None:
    assert [plural(count, "run") for count in (0, 1, 2)] == ["0 runs", "1 run", "2 runs"]
    assert plural(2, "class", "classes") == "2 classes"


def test_columns_are_as_wide_as_their_widest_cell_without_spaces_at_the_end() -> None:
    assert columns([["a", "b"], ["long", ""]]) == ["a     b", "long"]


class Inner(BaseModel, extra="forbid"):
    steps: int = 1


class Outer(BaseModel, extra="forbid"):
    inner: Inner
    names: list[int] = []


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({}, "inner is missing"),
        ({"inner": {"steps": "x"}}, "inner.steps='x': Input should be a valid integer"),
        ({"inner": {}, "names": [1, "b"]}, "names.1='b': "),
        ({"inner": {"stepz": 2}}, "unknown key inner.stepz"),
        ([], "content=[]: "),
    ],
)
def test_the_first_mistake_is_named_with_its_path(values: object, text: str) -> None:
    with pytest.raises(ValidationError) as raised:
        Outer.model_validate(values)
    assert str(first_mistake(raised.value)).startswith(text)


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (errno.ENOENT, "check the path"), (errno.EACCES, "permissions"), (errno.EIO, "check the disk"),
        (errno.EISDIR, "not a folder"), (errno.EPIPE, ""),
    ],
)  # fmt: skip
def test_a_remedy_is_given_only_where_it_is_the_cause(number: int, remedy: str) -> None:
    text = str(read_error(OSError(number, os.strerror(number)), Path("a")))
    assert os.strerror(number) in text or number == errno.EACCES
    assert text.endswith(remedy if remedy else ")")
    written = str(disk_error(OSError(number, os.strerror(number)), Path("a")))
    assert ("permissions" in written) == (number == errno.EACCES)

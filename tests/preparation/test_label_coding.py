from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from infoseg_bench.data.view import VOID
from infoseg_bench.errors import UsageError, UserError
from infoseg_bench.preparation.class_map import read_class_map
from infoseg_bench.preparation.label_coding import coding_of_names

ROAD, CAR, EDGE = (128, 64, 128), (0, 0, 142), (224, 224, 192)


def coloured(path: Path, row: list[tuple[int, int, int]], mode: str = "RGB") -> Path:
    image = Image.fromarray(np.array([row], dtype=np.uint8))
    if mode == "P":  # a palette in an order of its own
        colours = sorted(set(row), reverse=True)
        image = Image.fromarray(np.array([[colours.index(colour) for colour in row]], dtype=np.uint8))
        image.putpalette([value for colour in colours for value in colour])
    image.convert(mode).save(path)
    return path


def class_map(folder: Path, other: str) -> Path:
    path = folder / "map.toml"
    path.write_text(
        f'other = "{other}"\nvoid_colours = [{list(EDGE)}]\n'
        f'[[classes]]\nname = "road"\ncolours = [{list(ROAD)}, [1, 1, 1]]\n'
        f'[[classes]]\nname = "car"\ncolours = [{list(CAR)}]\n'
    )
    return path


def test_classes_may_be_given_values(tmp_path: Path) -> None:
    coding = coding_of_names("background=0,person=255", None)
    Image.fromarray(np.array([[0, 255]], dtype=np.uint8)).save(tmp_path / "a.png")
    assert coding.read(tmp_path / "a.png").stored.tolist() == [[0, 1]]
    assert coding_of_names("a=3,b=7", "1").stored[[3, 7, 1, 255]].tolist() == [0, 1, VOID, VOID]
    assert not coding_of_names("a=3,b=7", "1").known[0]


@pytest.mark.parametrize(
    "classes", ["person=1,background=0", "person = 1, background = 0", " person =1 \n background= 0"]
)
def test_blanks_round_values_do_not_matter(classes: str) -> None:
    coding = coding_of_names(classes, None)
    assert coding.classes == ("person", "background")
    assert coding.stored[[1, 0]].tolist() == [0, 1]


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P"])
def test_classes_may_be_given_colours(tmp_path: Path, mode: str) -> None:
    coding = coding_of_names("road=#804080, car=#00008E", "#e0e0c0")
    found = coding.read(coloured(tmp_path / "a.png", [ROAD, CAR, EDGE, ROAD], mode))
    assert found.stored.tolist() == [[0, 1, VOID, 0]]
    assert found.void == {"#e0e0c0": 1}
    assert coding.palette == (ROAD, CAR)


@pytest.mark.parametrize(
    ("classes", "void", "words"),
    [
        ("a=1,b", None, ["some classes have no value"]),
        ("a=1,b=1", None, ["1 stands for two classes"]),
        ("a=1,b=#ffffff", None, ["mixed"]),
        ("a=1,b=300", None, ["'300' is not a label value"]),
        ("a=1000,b=2000", None, ["'a=1000' gives no label value", "NAME=VALUE"]),
        ("a=one,b=two", None, ["'a=one' gives no label value"]),
        ("a=\u0661,b=\u0662", None, ["gives no label value"]),
        ("a=1,b=", None, ["'b=' gives no label value"]),
        ("a:1,b:0", None, ["'a:1' gives no label value", "NAME=VALUE"]),
        ("a==1,b=0", None, ["'a==1' gives no label value", "NAME=VALUE"]),
        ("a=#00,b=#ff", None, ["'a=#00' gives no label value"]),
        ("a=#000000,b=#ffffff", "#ffffff", ["--void #ffffff", "class 'b'"]),
        ("a=#000000,b=#ffffff", "7", ["mixed"]),
    ],
)
def test_values_that_contradict_each_other_are_usage_errors(
    classes: str, void: str | None, words: list[str]
) -> None:
    with pytest.raises(UsageError) as caught:
        coding_of_names(classes, void)
    assert all(word in str(caught.value) for word in words), caught.value


def test_unknown_colours_are_refused_void_or_nearest_as_the_map_says(tmp_path: Path) -> None:
    near_car, path = (3, 0, 140), tmp_path / "a.png"
    coloured(path, [ROAD, near_car, near_car, EDGE])
    with pytest.raises(
        UserError, match=r"a\.png: no class for label colour #03008c: add it to the class map"
    ):
        read_class_map(str(class_map(tmp_path, "error")), tmp_path).read(path)
    found = read_class_map(str(class_map(tmp_path, "nearest")), tmp_path).read(path)
    assert (found.stored.tolist(), found.strange) == ([[0, 1, 1, VOID]], 2)
    found = read_class_map(str(class_map(tmp_path, "void")), tmp_path).read(path)
    assert (found.stored.tolist(), found.strange) == ([[0, VOID, VOID, VOID]], 2)


@pytest.mark.parametrize("other", ["error", "void", "nearest"])
def test_a_photo_among_the_label_maps_is_recognised(tmp_path: Path, other: str) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (30, 30, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    Image.fromarray(pixels[..., 0]).save(tmp_path / "grey.png")
    with pytest.raises(UserError, match=r"a\.png: \d+ different values without a class, as in a photo"):
        read_class_map(str(class_map(tmp_path, other)), tmp_path).read(tmp_path / "a.png")
    with pytest.raises(UserError, match=r"grey\.png: 2\d\d different values without a class, as in a photo"):
        coding_of_names("a,b", None).read(tmp_path / "grey.png")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[[classes]]\nname="a"\ncolours=[[1,2,3]]\n[[classes]]\nname="b"\ncodes=[1]\n', "every class codes"),
        (
            'other="nearest"\n[[classes]]\nname="a"\ncodes=[0]\n[[classes]]\nname="b"\ncodes=[1]\n',
            "needs colours",
        ),
        (
            '[[classes]]\nname="a"\ncolours=[[1,2,3]]\n[[classes]]\nname="b"\ncolours=[[1,2,3]]\n',
            r"colour \(1, 2, 3\) is named twice",
        ),
    ],
)
def test_bad_maps_of_colours_are_named(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "map.toml").write_text(text)
    with pytest.raises(UsageError, match=message):
        read_class_map(str(tmp_path / "map.toml"), tmp_path)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_class_map_of_windows_is_read(tmp_path: Path, encoding: str) -> None:
    path = class_map(tmp_path, "void")
    path.write_bytes(path.read_text().replace("\n", "\r\n").encode(encoding))
    assert read_class_map(str(path), tmp_path).classes == ("road", "car")
    path.write_bytes("# Farbe für\n".encode("latin-1"))
    with pytest.raises(UserError, match=r"map\.toml: the class map is not UTF-8 text .* save it as UTF-8"):
        read_class_map(str(path), tmp_path)

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from infoseg_bench.data.view import UNLABELLED, VOID
from infoseg_bench.datasets.image_folder import CLASS_MAPS
from infoseg_bench.errors import UsageError, UserError
from infoseg_bench.preparation.class_map import read_class_map
from tests.shared import SHARED, needs_shared

COLOURED = '[[classes]]\nname = "x"\ncolours = ["#000001"]\n[[classes]]\nname = "y"\ncolours = ["#000002"]\n'
GOOD = '[[classes]]\nname = "x"\ncodes = [0]\n[[classes]]\nname = "y"\ncodes = [1, 2]\n'


@needs_shared
@pytest.mark.parametrize(
    ("name", "first", "count"), [("coco-stuff-15", range(12, 27), 15), ("coco-stuff-3", (23, 22, 21), 3)]
)
def test_shipped_maps_are_the_published_groups(name: str, first: range, count: int) -> None:
    coding = read_class_map(name, CLASS_MAPS)
    coarse = list(first)
    assert len(coding.classes) == count
    for entry in json.loads((SHARED / "reference" / "coco_stuff_classes.json").read_text()):
        expected = coarse.index(entry["coarse"]) if entry["coarse"] in coarse else VOID
        assert coding.stored[entry["png_id"]] == expected, entry
    assert coding.stored[255] == UNLABELLED


@pytest.mark.parametrize("name", ["coco-stuff-15", "coco-stuff-3"])
def test_shipped_maps_know_every_code(name: str) -> None:
    assert read_class_map(name, CLASS_MAPS).known.all()


def test_codes_that_are_not_listed_are_errors_unless_the_map_says_void(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text(GOOD)
    labels = np.array([[0, 1, 2, 9]], dtype=np.uint8)
    with pytest.raises(UserError, match=r"a\.png: no class for label value 9: .*own\.toml.*void"):
        read_class_map(str(path), CLASS_MAPS).apply(labels, Path("a.png"))
    path.write_text('other = "void"\n' + GOOD)
    assert read_class_map(str(path), CLASS_MAPS).apply(labels, Path("a.png")).tolist() == [[0, 1, 1, VOID]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("classes = 3 4", "not a TOML file"),
        ("title = 'x'", "classes"),
        (GOOD + "colours = 1", "classes.1.colours"),
        ("colour = 1\n" + GOOD, "unknown parameter of class map .* 'colour'"),
        ("unlabelled = [2]\n" + GOOD, "code 2 is named twice: give every code one meaning"),
        (GOOD + "colour = [1, 2, 3]\n", "some classes have no colour"),
        (GOOD + "colour = [1, 2, 300]\n", "300"),
        (GOOD.replace('"y"', '"x"'), "class 'x' is named twice"),
        (GOOD.replace('"y"', '" x"'), "class ' x': write names in one line, without blanks"),
        (GOOD.replace('"y"', '"x\\ny"'), "write names in one line"),
        ('void_colours = ["#000000"]\n' + GOOD, "void_colours are colours: with codes, use void"),
        ("void = [0]\n" + COLOURED, "void and unlabelled are codes: with colours, use void_colours"),
        ("unlabelled = [0]\n" + COLOURED, "void and unlabelled are codes"),
        ('other = "none"\n' + GOOD, "'void' or 'error'"),
    ],
)
def test_bad_maps_are_named_with_the_remedy(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "own.toml"
    path.write_text(text)
    with pytest.raises(UserError, match=message) as caught:
        read_class_map(str(path), CLASS_MAPS)
    assert "own.toml" in str(caught.value)


def test_colours_may_be_written_as_text(tmp_path: Path) -> None:
    path = tmp_path / "map.toml"
    path.write_text(
        'void_colours = ["#010203"]\n[[classes]]\nname = "a"\ncolours = ["#ff0000", [0, 255, 0]]\n'
        '[[classes]]\nname = "b"\ncolours = ["#0000FF"]\n'
    )
    colours = read_class_map(str(path), CLASS_MAPS).colours
    assert colours == {(255, 0, 0): 0, (0, 255, 0): 0, (0, 0, 255): 1, (1, 2, 3): VOID}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[[classes]]\nname="a"\ncodes=[300]\n', r"map\.toml: classes\.0\.codes\.0=300: .* less than"),
        ('[[classes]]\nname="a"\ncodes=0\n', r"map\.toml: classes\.0\.codes=0: Input should be a list"),
        ('[[classes]]\nname="a"\ncolors=[]\n', r"map\.toml: unknown key classes\.0\.colors"),
        ('[[classes]]\nname="a"\ncolours=["red"]\n', r"map\.toml: classes\.0\.colours\.0='red'"),
    ],
)
def test_a_mistake_is_named_with_the_file_and_the_key(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "map.toml").write_text(text)
    with pytest.raises(UsageError, match=message):
        read_class_map(str(tmp_path / "map.toml"), CLASS_MAPS)

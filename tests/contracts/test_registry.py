from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from click.testing import CliRunner

from infoseg_bench.cli import main
from infoseg_bench.contracts import DatasetRecipe, Method
from infoseg_bench.contracts.registry import DATASETS, METHODS, Registry, load_methods, load_recipes
from infoseg_bench.errors import UsageError

METHOD = """
from collections.abc import Iterator
from infoseg_bench.contracts import Method, Parameters, Progress, parameter

class NoParameters(Parameters):
    shift: int = parameter(1, "of the clusters", source="chosen by this project")

class {cls}(Method):
    name = "{name}"
    title = "A plug-in"
    citation = "nobody"
    parameters_type = NoParameters

    def fit(self, train):
        yield Progress(step=1, scalars={{}})

    def predict(self, images):
        return images[:, 0].long()

    def state(self):
        return {{}}

    def load_state(self, state):
        pass
"""
RECIPE = """
from infoseg_bench.contracts import DatasetRecipe, Parameters, Prepared

class NoOptions(Parameters):
    pass

class MyRecipe(DatasetRecipe):
    name = "my-recipe"
    title = "A plug-in's data"
    citation = "nobody"
    licence = "none"
    how_to_get = "infoseg-bench prepare my-recipe"
    options_type = NoOptions

    def prepare(self, options, data, progress):
        return Prepared(store=data, summary={})
"""
SHIPPED_METHODS = {"random-cnn", "kmeans", "infoseg"}
SHIPPED_RECIPES = {"synthetic-scenes", "coco-persons", "image-folder"}


@pytest.fixture(autouse=True)
def forget_plugins() -> Iterator[None]:
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if name.startswith(("infoseg_bench_plugin_", "thirdparty")):
            del sys.modules[name]


def plugin(folder: Path, text: str, name: str = "mine.py") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def method_text(name: str = "my-method", cls: str = "MyMethod") -> str:
    return METHOD.format(name=name, cls=cls)


def installed(folder: Path, monkeypatch: pytest.MonkeyPatch, group: str, points: dict[str, str]) -> None:
    """Install a third party's package with these entry points."""
    metadata = folder / "thirdparty-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: thirdparty\nVersion: 1.0\n")
    lines = [f"[{group}]", *(f"{name} = {value}" for name, value in points.items())]
    (metadata / "entry_points.txt").write_text("\n".join(lines) + "\n")
    monkeypatch.syspath_prepend(str(folder))


def test_a_recipes_options_are_those_in_the_brackets_of_its_base(tmp_path: Path) -> None:
    bracketed = RECIPE.replace("(DatasetRecipe)", "(DatasetRecipe[NoOptions])")
    found = load_recipes([plugin(tmp_path, bracketed.replace("    options_type = NoOptions\n", ""))])
    assert found.recipes["my-recipe"].options_type.__name__ == "NoOptions"


def test_every_shipped_name_loads_through_its_entry_point() -> None:
    methods, recipes = load_methods(), load_recipes()
    assert methods.broken == recipes.broken == {}
    assert set(methods.methods) >= SHIPPED_METHODS
    assert set(recipes.recipes) >= SHIPPED_RECIPES
    assert {point.name for point in entry_points(group=METHODS)} == set(methods.methods)
    assert {point.name for point in entry_points(group=DATASETS)} == set(recipes.recipes)


def test_what_is_registered_bears_the_name_it_is_registered_under() -> None:
    for name, method in load_methods().methods.items():
        assert issubclass(method, Method)
        assert method.name == name
    for name, recipe in load_recipes().recipes.items():
        assert issubclass(recipe, DatasetRecipe)
        assert recipe.name == name


def test_a_file_adds_a_method_and_a_recipe(tmp_path: Path) -> None:
    path = plugin(tmp_path, method_text() + RECIPE)
    methods, recipes = load_methods([path]), load_recipes([path])
    assert methods.broken == recipes.broken == {}
    assert methods.method("my-method").parameters_type.parse({}, "my-method").model_dump() == {"shift": 1}
    assert recipes.recipe("my-recipe").title == "A plug-in's data"
    assert set(methods.methods) - {"my-method"} == set(load_methods().methods)
    assert set(recipes.recipes) - {"my-recipe"} == set(load_recipes().recipes)


def test_several_files_of_the_same_name_each_add_theirs(tmp_path: Path) -> None:
    paths = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        paths.append(plugin(tmp_path / name, method_text(name)))
    assert {"first", "second"} <= set(load_methods(paths).methods)


def test_classes_that_a_file_only_imports_or_leaves_abstract_are_not_added(tmp_path: Path) -> None:
    text = (
        "from infoseg_bench.baselines.kmeans import KMeans as Borrowed\n"
        "from infoseg_bench.contracts import Method\n"
        "class Unfinished(Method):\n    name = 'unfinished'\n"
    )
    before = load_methods()
    after = load_methods([plugin(tmp_path, text + method_text())])
    assert set(after.methods) - set(before.methods) == {"my-method"}
    assert after.methods["kmeans"] is before.methods["kmeans"]


BROKEN = {
    "raises on import": ("raise RuntimeError('no licence key')", "RuntimeError: no licence key"),
    "imports what is not there": ("import not_installed_anywhere", "not_installed_anywhere"),
    "opens a file that is not there": ("open('/nonexistent/weights')", "/nonexistent/weights"),
    "is no Python": ("def broken(:\n", "SyntaxError"),
    "is not text": ("\x00\x01", ""),
    "leaves at once": ("import sys; sys.exit('bye')", "bye"),
}


@pytest.mark.parametrize(("text", "error"), BROKEN.values(), ids=BROKEN.keys())
@pytest.mark.parametrize("load", [load_methods, load_recipes])
def test_a_broken_file_is_listed_with_its_error_and_stops_nothing_else(
    tmp_path: Path, text: str, error: str, load: Callable[[Sequence[Path]], Registry]
) -> None:
    good = plugin(tmp_path, method_text() + RECIPE, "good.py")
    bad = plugin(tmp_path, text, "bad.py")
    registry = load([bad, good])
    assert list(registry.broken) == [str(bad)]
    assert error in registry.broken[str(bad)]
    names = {**registry.methods, **registry.recipes}
    assert names.keys() & {"my-method", "my-recipe"}
    assert names.keys() >= (SHIPPED_METHODS if load is load_methods else SHIPPED_RECIPES)


def test_a_class_without_a_name_is_taken_for_a_base_of_others(tmp_path: Path) -> None:
    base = method_text(cls="Base").replace('name = "my-method"', "")
    text = base + "\nclass Derived(Base):\n    name = 'derived'\n"
    registry = load_methods([plugin(tmp_path, text)])
    assert registry.broken == {}
    assert set(registry.methods) - set(load_methods().methods) == {"derived"}


def test_a_file_that_broke_halfway_is_broken_every_time_it_is_asked_for(tmp_path: Path) -> None:
    path = plugin(tmp_path, method_text() + "\nraise RuntimeError('halfway')\n")
    for _ in range(2):
        registry = load_methods([path])
        assert "halfway" in registry.broken[str(path)]
        assert "my-method" not in registry.methods


def test_a_missing_file_is_a_usage_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--plugin .*absent\.py: no such file"):
        load_methods([tmp_path / "absent.py"])


def test_a_file_that_is_not_python_is_a_usage_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--plugin .*notes\.txt: not a Python file"):
        load_methods([plugin(tmp_path, "hello", "notes.txt")])


@pytest.mark.parametrize(
    ("value", "error"),
    [
        ("thirdparty_absent:Anything", "ModuleNotFoundError"),
        ("thirdparty:Absent", "AttributeError"),
        ("thirdparty:helper", "TypeError: thirdparty:helper is not a Method"),
        ("thirdparty:Path", "TypeError: thirdparty:Path is not a Method"),
        ("thirdparty_raising:Anything", "RuntimeError: on import"),
    ],
)
def test_a_broken_package_is_listed_with_its_error_and_stops_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str, error: str
) -> None:
    helper = "from pathlib import Path\ndef helper(): pass\n"
    plugin(tmp_path, helper + method_text(), "thirdparty.py")
    plugin(tmp_path, "raise RuntimeError('on import')", "thirdparty_raising.py")
    points = {"good-one": "thirdparty:MyMethod", "bad-one": value}
    installed(tmp_path, monkeypatch, METHODS, points)
    registry = load_methods()
    assert list(registry.broken) == ["bad-one"]
    assert error in registry.broken["bad-one"]
    assert set(registry.methods) >= {"good-one", *SHIPPED_METHODS}
    with pytest.raises(UsageError, match=f"method 'bad-one' cannot be loaded: .*{error.split(':')[0]}"):
        registry.method("bad-one")


@pytest.mark.parametrize(
    ("asked", "near"), [("kmean", "kmeans"), ("random_cnn", "random-cnn"), ("info-seg", "infoseg")]
)
def test_an_unknown_method_is_told_with_the_nearest_names(asked: str, near: str) -> None:
    with pytest.raises(UsageError, match=f"unknown method '{asked}': did you mean {near}") as caught:
        load_methods().method(asked)
    assert caught.value.exit_status == 2


def test_an_unknown_recipe_is_told_with_the_nearest_names() -> None:
    with pytest.raises(UsageError, match="unknown data set recipe 'coco_persons': did you mean coco-persons"):
        load_recipes().recipe("coco_persons")


def test_a_name_like_no_other_is_told_with_all_of_them() -> None:
    with pytest.raises(UsageError, match=r"known: ac, doersch, .*infoseg, .*kmeans, random-cnn"):
        load_methods().method("zzz")


def test_on_the_command_line_an_unknown_name_exits_with_2_and_one_line() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "infoseg_bench", "prepare", "image-foldr"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert "did you mean image-folder" in done.stderr


def test_the_list_shows_a_plug_in_and_what_is_broken(tmp_path: Path) -> None:
    good = plugin(tmp_path, method_text() + RECIPE, "good.py")
    bad = plugin(tmp_path, "raise RuntimeError('no licence key')", "bad.py")
    data = ["--data", str(tmp_path / "data")]
    result = CliRunner().invoke(main, ["list", *data, "--plugin", str(bad), "--plugin", str(good)])
    assert result.exit_code == 0
    assert "my-method" in result.stdout
    assert "my-recipe" in result.stdout
    assert "no licence key" in result.stderr
    assert str(bad) in result.stderr

from __future__ import annotations

import configparser
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path, PurePosixPath

import pytest

CHECKOUT = Path(__file__).resolve().parents[1]
SOURCES = ("infoseg_bench", "baselines", "datasets")
MAPPED = ("baselines", "datasets")
BUILD = "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"


def python(*words: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *words],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a clone holds of the package, without what building left in the checkout."""
    tree = tmp_path_factory.mktemp("tree")
    for name in SOURCES:
        shutil.copytree(CHECKOUT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(CHECKOUT / name, tree)
    return tree


@pytest.fixture(scope="module")
def wheel(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, unpacked as an installer would."""
    out = tmp_path_factory.mktemp("wheel")
    done = python("-c", BUILD, str(out), cwd=tree)
    assert done.returncode == 0, done.stderr
    (file,) = out.glob("*.whl")
    site = out / "site"
    with zipfile.ZipFile(file) as archive:
        archive.extractall(site)
    return site


def files(folder: Path, pattern: str) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob(pattern) if path.is_file()}


def installed_place(source: str) -> str:
    return f"infoseg_bench/{source}" if PurePosixPath(source).parts[0] in MAPPED else source


def package_files(tree: Path, pattern: str) -> set[str]:
    return {installed_place(f"{name}/{file}") for name in SOURCES for file in files(tree / name, pattern)}


def test_the_wheel_holds_exactly_the_modules_of_the_tree(tree: Path, wheel: Path) -> None:
    modules = package_files(tree, "*.py")
    assert {"infoseg_bench/baselines/kmeans.py", "infoseg_bench/cli/main.py"} <= modules
    assert files(wheel, "*.py") == modules


def test_modules_in_the_wheel_are_the_trees_byte_for_byte(tree: Path, wheel: Path) -> None:
    for name in SOURCES:
        for file in files(tree / name, "*.py"):
            source = f"{name}/{file}"
            assert (wheel / installed_place(source)).read_bytes() == (tree / source).read_bytes(), source


def test_the_wheel_holds_all_data_files_of_the_packages(tree: Path, wheel: Path) -> None:
    data = {file for file in package_files(tree, "*") if not file.endswith((".py", ".pyc"))}
    assert {
        "infoseg_bench/py.typed",
        "infoseg_bench/suites/demo.toml",
        "infoseg_bench/reporting/published/infoseg_table_1.csv",
        "infoseg_bench/datasets/class_maps/coco-stuff-3.toml",
    } <= data
    found = files(wheel / "infoseg_bench", "*")
    assert {f"infoseg_bench/{file}" for file in found if not file.endswith(".py")} == data


def test_the_wheel_installs_one_package_and_no_datasets_or_baselines_beside_it(wheel: Path) -> None:
    names = {path.name for path in wheel.iterdir()}
    assert {name for name in names if not name.endswith(".dist-info")} == {"infoseg_bench"}
    assert len(names) == 2


def test_every_entry_point_of_the_wheel_resolves_within_it(wheel: Path, tmp_path: Path) -> None:
    (declared,) = wheel.glob("*.dist-info/entry_points.txt")
    points = configparser.ConfigParser(delimiters=("=",))
    points.optionxform = str  # type: ignore[assignment,method-assign]
    points.read(declared)
    assert {"console_scripts", "infoseg_bench.methods", "infoseg_bench.datasets"} <= set(points.sections())
    values = [value for section in points.sections() for value in points[section].values()]
    assert len(values) >= 7
    code = (
        "import importlib, sys\n"
        "for value in sys.argv[1:]:\n"
        "    module, _, name = value.partition(':')\n"
        "    loaded = importlib.import_module(module)\n"
        "    assert callable(getattr(loaded, name)), value\n"
        "    print(loaded.__file__)\n"
    )
    done = python("-c", code, *values, cwd=tmp_path, PYTHONPATH=str(wheel))
    assert done.returncode == 0, done.stderr
    places = done.stdout.splitlines()
    assert len(places) == len(values)
    assert all(Path(place).is_relative_to(wheel) for place in places)


def test_suites_maps_and_published_figures_are_read_from_the_wheel(wheel: Path, tmp_path: Path) -> None:
    code = (
        "import infoseg_bench\n"
        "from importlib.resources import files\n"
        "from infoseg_bench.reporting.published_figures import published_figures\n"
        "from infoseg_bench.planning.suite import load_suite, shipped_suites\n"
        "assert all(load_suite(name) for name in shipped_suites())\n"
        "assert len(published_figures())\n"
        "assert any(files('infoseg_bench.datasets').joinpath('class_maps').iterdir())\n"
        "print(shipped_suites(), infoseg_bench.__file__)\n"
    )
    done = python("-c", code, cwd=tmp_path, PYTHONPATH=str(wheel))
    assert done.returncode == 0, done.stderr
    assert "demo" in done.stdout
    assert str(wheel) in done.stdout


@pytest.mark.parametrize("name", MAPPED)
def test_from_the_checkout_a_plain_import_of_the_folder_says_what_it_is(name: str) -> None:
    done = python("-c", f"import {name}", cwd=CHECKOUT)
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith("ImportError: ")
    assert f"infoseg_bench.{name}" in last


@pytest.mark.parametrize("name", MAPPED)
def test_under_its_own_name_the_folder_is_imported_from_anywhere(name: str, tmp_path: Path) -> None:
    for cwd in (CHECKOUT, tmp_path):
        done = python("-c", f"import infoseg_bench.{name}", cwd=cwd)
        assert done.returncode == 0, done.stderr


def test_help_imports_no_heavy_library(tmp_path: Path) -> None:
    # The help of prepare lists the recipes, which needs them.
    code = (
        "import sys\n"
        "from click.testing import CliRunner\n"
        "from infoseg_bench.cli import main\n"
        "for argv in (['--version'], ['--help'], *([name, '--help'] for name in main.commands)):\n"
        "    if argv[0] != 'prepare':\n"
        "        result = CliRunner().invoke(main, argv)\n"
        "        assert result.exit_code == 0 and result.output, argv\n"
        "print(*{name.partition('.')[0] for name in sys.modules})\n"
    )
    done = python("-c", code, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    imported = set(done.stdout.split())
    assert {"click", "infoseg_bench"} <= imported
    heavy = {"torch", "numpy", "h5py", "pandas", "matplotlib", "sklearn", "scipy", "PIL", "jaxtyping"}
    heavy |= {"pydantic", "rich", "jinja2", "psutil"}
    assert not heavy & imported

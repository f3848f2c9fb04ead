"""What `infoseg_bench` itself exports."""

from __future__ import annotations

import inspect
import subprocess
import sys

import infoseg_bench

NAMES = (
    *("compare", "confusion_matrix", "evaluate", "export", "fit", "get_method", "get_model", "list_datasets"),
    *("list_methods", "list_recipes", "load_model", "load_results", "load_store", "pack", "predict"),
    *("prepare", "probe", "report", "run", "score", "segment_photos", "status", "verify", "write_images"),
)


def test_dir_lists_the_functions_and_each_is_documented_and_typed() -> None:
    assert {*NAMES, "Engine", "__version__"} == set(dir(infoseg_bench))
    for name in NAMES:
        function = getattr(infoseg_bench, name)
        assert inspect.isfunction(function), name
        assert function.__doc__, name
        signature = inspect.signature(function)
        assert signature.return_annotation is not inspect.Signature.empty, name
        for parameter in signature.parameters.values():
            assert parameter.annotation is not inspect.Parameter.empty, (name, parameter)


def test_no_module_hides_a_function_whatever_was_imported_before() -> None:
    code = (
        "import infoseg_bench.cli.main, infoseg_bench.api.running, infoseg_bench.reporting.write, inspect\n"
        f"for name in {NAMES}: assert inspect.isfunction(getattr(infoseg_bench, name)), name"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


def test_importing_the_package_imports_nothing_heavy() -> None:
    code = (
        "import sys, infoseg_bench; dir(infoseg_bench); infoseg_bench.__version__\n"
        "heavy = {'torch', 'pandas', 'numpy', 'h5py', 'matplotlib', 'pydantic', 'click'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)

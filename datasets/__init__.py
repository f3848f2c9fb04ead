"""One module or folder per data set recipe, imported as `infoseg_bench.datasets`.

Modules of one data set import each other relatively: type checkers see this folder under its own name.
"""

if __name__ == "datasets":
    raise ImportError(
        "this folder is infoseg_bench.datasets, not the package 'datasets' of Hugging Face: "
        "import infoseg_bench.datasets, or run from another folder to reach the other one"
    )

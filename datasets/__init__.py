"""One module or folder per data set recipe, imported as `infoseg_bench.datasets`.

Modules of one data set use relative imports, because type checkers know this folder by its own name.
"""

if __name__ == "datasets":
    raise ImportError(
        "this folder is infoseg_bench.datasets, not the package 'datasets' of Hugging Face: "
        "import infoseg_bench.datasets, or run from another folder to import Hugging Face's"
    )

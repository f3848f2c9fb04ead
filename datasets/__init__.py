"""One module per data set recipe, imported as `infoseg_bench.datasets`."""

if __name__ == "datasets":
    raise ImportError(
        "this folder is infoseg_bench.datasets, not the package 'datasets' of Hugging Face: "
        "import infoseg_bench.datasets, or run from another folder to reach the other one"
    )

"""All methods except InfoSeg, one module or package each, imported as `infoseg_bench.baselines`."""

if __name__ == "baselines":
    raise ImportError(
        "this folder is infoseg_bench.baselines, not the package 'baselines' of OpenAI: "
        "import infoseg_bench.baselines, or run from another folder to import OpenAI's"
    )

"""`python -m infoseg_bench`, the same as the `infoseg-bench` command."""

from infoseg_bench.cli import main

if __name__ == "__main__":
    main()

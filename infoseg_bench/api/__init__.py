"""The commands as Python functions; the package `infoseg_bench` exports them."""

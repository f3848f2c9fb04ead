"""Shapes and types are checked on every call while testing."""

from jaxtyping import install_import_hook

install_import_hook("infoseg_bench", "beartype.beartype")

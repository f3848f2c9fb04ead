"""The real photos and reference values that lie beside the checkout; tests skip without them."""

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"

needs_shared = pytest.mark.skipif(
    not SHARED.is_dir(), reason="needs the real photos and golden values of ../shared"
)

"""Tables of counts for the tests of scoring."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st


@st.composite
def count_tables(draw: st.DrawFn, most: int = 5, largest: int = 9) -> np.ndarray:
    """Tables of any shape up to `most` by `most`, with at least one pixel; small counts make ties."""
    clusters, classes = draw(st.integers(1, most)), draw(st.integers(1, most))
    cells = st.lists(st.integers(0, largest), min_size=clusters * classes, max_size=clusters * classes)
    values = draw(cells.filter(any))
    return np.array(values, dtype=np.int64).reshape(clusters, classes)


def expand(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return a cluster and a class for every counted pixel."""
    clusters, classes = np.indices(counts.shape).reshape(2, -1)
    return np.repeat(clusters, counts.ravel()), np.repeat(classes, counts.ravel())

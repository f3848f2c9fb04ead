"""Doersch* and Isola*: methods that learn from pairs of patches, and what only they use."""

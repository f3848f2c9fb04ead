"""Doersch* and Isola*, methods that learn features from pairs of patches, and their common code."""

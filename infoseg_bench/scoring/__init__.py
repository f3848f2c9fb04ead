"""Raw counts of clusters and labels, and all scores computed from them."""

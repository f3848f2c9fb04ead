"""From clusters and labels to raw counts, and from raw counts to every score."""

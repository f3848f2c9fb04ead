"""Use of trained runs: segmenting photos, and exporting models."""

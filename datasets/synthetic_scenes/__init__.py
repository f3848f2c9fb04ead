"""Computer-generated outdoor scenes with exact labels, for trying out and testing methods."""

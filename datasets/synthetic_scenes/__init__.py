"""Computer-generated outdoor scenes with exact labels, for trying and testing."""

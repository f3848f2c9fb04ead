"""Copies of the runs' curves for other tools, such as TensorBoard. Nothing here is ever read back."""

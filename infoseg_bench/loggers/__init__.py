"""Copies of the runs' curves for other tools, such as TensorBoard; infoseg-bench never reads them back."""

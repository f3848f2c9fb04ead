"""The prepared data: HDF5 stores, the views on them, and batches of crops."""

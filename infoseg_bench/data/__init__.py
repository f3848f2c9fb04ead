"""Prepared data: HDF5 stores, the data sets (views) in them, and batches of crops."""

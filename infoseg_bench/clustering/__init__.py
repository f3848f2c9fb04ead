"""Clusters of feature vectors, from a bounded sample of a data set's pixels."""

"""Helpers that know nothing of segmentation: files, devices, processes, progress, text."""

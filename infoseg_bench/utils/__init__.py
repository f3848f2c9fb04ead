"""General helpers that do not depend on segmentation: files, devices, processes, progress, text."""

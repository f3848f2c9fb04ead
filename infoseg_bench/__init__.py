"""infoseg-bench: data, methods and honest scores for unsupervised semantic segmentation."""

__version__ = "0.1.0"

"""AC: autoregressive unsupervised segmentation, its network and its loss."""

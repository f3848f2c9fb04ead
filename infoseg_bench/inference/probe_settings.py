"""Settings of linear probes, apart from the code, so that the command line need not load PyTorch for them."""

STEPS = 5_000
"""Training steps (STEGO src/configs/train_config.yml:10)."""
BATCH = 16
"""Images per step (STEGO src/configs/train_config.yml:11)."""
LEARNING_RATE = 5e-3
"""Of Adam (STEGO src/train_segmentation.py:380)."""

"""K-Means on features of a frozen network, whose weights come from a file, and its two architectures."""

"""InMARS, with its superpixels, warps and adversaries."""

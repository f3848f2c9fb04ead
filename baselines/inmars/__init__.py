"""InMARS: its superpixels, warps, adversaries and loss, which no other method uses."""

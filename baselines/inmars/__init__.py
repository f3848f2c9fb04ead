"""InMARS: superpixels, random warps, the adversary and the loss of this method; no other method uses them."""

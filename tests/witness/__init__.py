"""A second witness: the methods transcribed from their description alone, sharing no code with them.

Both train from the same weights on the same images in double precision, and must end at the same weights.
"""

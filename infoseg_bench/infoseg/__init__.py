"""InfoSeg, the paper's method (Harb and Knoebelreiter, GCPR 2021)."""

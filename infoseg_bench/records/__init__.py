"""Records of runs: their files, and checks that every score follows from its counts."""

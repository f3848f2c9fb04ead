"""Label maps that other software made: read, checked, counted, and put on the board as an external row."""

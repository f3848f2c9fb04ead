"""The ISPRS 2D Potsdam tiles: reading, halving and cutting them, and the recipes with 6 and 3 classes."""

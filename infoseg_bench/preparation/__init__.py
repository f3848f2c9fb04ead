"""Common code of the recipes: downloading, reading, scaling, checking and counting photos and labels."""

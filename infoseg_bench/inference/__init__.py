"""Trained runs put to use: on a person's own photos, and as files to give away."""

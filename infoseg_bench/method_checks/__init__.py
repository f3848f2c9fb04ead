"""Checks that every method must pass, for tests and `infoseg-bench check`, and a template of a method."""

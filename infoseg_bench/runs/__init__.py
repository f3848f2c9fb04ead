"""Runs: what is planned, where each one lives, and the worker process that does one."""

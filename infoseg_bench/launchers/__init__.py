"""Execution of runs: on this machine, or on a Slurm or Ray cluster."""

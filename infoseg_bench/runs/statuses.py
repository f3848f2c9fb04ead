"""Exit statuses of the process that does a run."""

FINISHED, FAILED, BUSY, INTERRUPTED = 0, 1, 75, 130
"""75 is sysexits' EX_TEMPFAIL: another process has the run."""

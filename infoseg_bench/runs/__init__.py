"""One run: the worker process that prepares, executes and concludes it, and its checkpoints."""

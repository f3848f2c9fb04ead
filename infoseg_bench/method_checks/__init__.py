"""What every method must do, in checks that tests and `infoseg-bench check` share; a file to start from."""

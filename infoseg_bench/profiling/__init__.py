"""Speed of methods on this machine, estimates of a suite's time, and checks of the installation."""

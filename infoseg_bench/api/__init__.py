"""What the commands do, callable from Python; `infoseg_bench` itself exports these functions."""

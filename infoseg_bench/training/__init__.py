"""What methods that are a network and a loss have in common."""

"""Code shared by methods that train a network: the training loop, IIC's network and its inputs."""

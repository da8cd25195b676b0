"""Transfer files over the network, check them and keep what has arrived."""

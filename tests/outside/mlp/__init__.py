"""A network from outside the project: what an installed distribution with the entry point `rosetta_sweep.networks` has."""

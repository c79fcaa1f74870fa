"""A network from outside the project: a distribution with the entry point `rosetta_sweep.networks`."""

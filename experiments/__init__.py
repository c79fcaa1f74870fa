"""One trial on one machine. Importing the package makes the networks of installed distributions known."""

from experiments.extensions import register_networks

register_networks()

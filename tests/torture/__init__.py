"""Malformed input for everything that reads input. Each is accepted, or refused with a one-line error."""

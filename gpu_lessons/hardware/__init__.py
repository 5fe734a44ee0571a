"""Machines: the catalogue, what is in this computer, and which arrays it can compute with."""

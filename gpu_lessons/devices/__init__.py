"""Devices: what `gl.gpu()` gives a lesson to compute on."""

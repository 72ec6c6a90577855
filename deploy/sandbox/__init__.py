"""Sandbox carriers on loopback: what the demo, the tests and the load figures send to."""

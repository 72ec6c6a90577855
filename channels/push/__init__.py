"""Channels to other systems and devices that are pushed to."""

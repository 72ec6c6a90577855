"""Channels that speak to one resident's chat at a time, and hear what residents write there."""

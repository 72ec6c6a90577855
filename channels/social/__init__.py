"""Channels that post once for everyone who follows a page."""

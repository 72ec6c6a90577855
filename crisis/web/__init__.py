"""The doors: the HTTP API for officers, the pages residents read."""

"""Automated alert feeds: the registry, name -> format, one line each."""

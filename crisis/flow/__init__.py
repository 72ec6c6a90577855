"""An alert's life, one stage a module."""

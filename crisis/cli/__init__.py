"""The `crisis` command: one small module for each noun."""

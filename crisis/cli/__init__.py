"""The `crisis` command: one small module for each noun; offline ones work in-process, the others ask the service."""

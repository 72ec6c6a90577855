"""How what residents write is judged by exact rules: commands, danger, language, known questions."""

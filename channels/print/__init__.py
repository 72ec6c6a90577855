"""The print family: what is read from paper or looked at: scripts, posters, cards."""

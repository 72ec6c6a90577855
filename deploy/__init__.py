"""Ways of running Crisis: the demonstration, sandbox carriers, and what a server needs."""

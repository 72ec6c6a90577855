"""The SMS family: our own SMPP 3.4 client, from septets on the wire to receipts and residents' texts."""

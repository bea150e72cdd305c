"""The edge: HTTP in, nouns through, HTTP out. One file per resource; nothing is decided here."""

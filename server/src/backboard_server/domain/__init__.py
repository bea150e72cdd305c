"""Nouns: frozen data without I/O; everything above speaks in these words."""

"""The heart: one message becomes one run, and a run becomes events."""

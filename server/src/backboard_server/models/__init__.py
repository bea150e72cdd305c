"""Models: what there is to call, and what it costs."""

"""Programs that read streamed answers, each with one library: ours, and those that we are compared with.

Each runs in the environment of its library, so nothing here but `ours` may import more than Python itself
and what its own environment holds.
"""

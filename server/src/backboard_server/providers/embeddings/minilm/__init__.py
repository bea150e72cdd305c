"""all-MiniLM-L6-v2 in a process of its own, which everybody on this machine asks over a Unix socket."""

"""Memory: what is remembered beyond a thread, and recalled."""

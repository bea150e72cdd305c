"""What is measured: each file holds one benchmark and returns its figures."""

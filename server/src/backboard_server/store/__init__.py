"""Postgres and blobs: one file per noun, SQL by hand next to its function, every query filtered by tenant."""

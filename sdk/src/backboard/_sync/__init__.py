# Made from _async by tools/unasync.py: change it there, then run `make generate`.
"""Every method of the API, one file per noun, over one transport."""

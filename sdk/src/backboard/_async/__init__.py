"""Every method of the API, one file per noun, over one transport."""

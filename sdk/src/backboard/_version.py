"""The version of the SDK, as it is published and as the User-Agent header says it."""

__version__ = "0.1.0"

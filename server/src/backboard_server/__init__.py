"""The Backboard server: the state of LLM applications behind one API."""

__version__ = "0.1.0"

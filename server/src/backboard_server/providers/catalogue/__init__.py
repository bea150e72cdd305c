"""The catalogue: what is known of the world's providers and models."""

from .known import CONTEXT_LIMIT_UNKNOWN, facts, facts_of, find, library, models, providers
from .models_dev import Provider

__all__ = ["CONTEXT_LIMIT_UNKNOWN", "Provider", "facts", "facts_of", "find", "library", "models", "providers"]

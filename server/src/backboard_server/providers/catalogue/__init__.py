"""The catalogue: what is known of the world's providers and models."""

from .known import CONTEXT_LIMIT_UNKNOWN, facts, facts_of, find, models, override, providers
from .models_dev import Override, Provider

__all__ = [
    "CONTEXT_LIMIT_UNKNOWN",
    "Override",
    "Provider",
    "facts",
    "facts_of",
    "find",
    "models",
    "override",
    "providers",
]

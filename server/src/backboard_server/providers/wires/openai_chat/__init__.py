"""OpenAI chat completions: the protocol that most hosts speak, each with small differences."""

from .wire import OpenAIChat

__all__ = ["OpenAIChat"]

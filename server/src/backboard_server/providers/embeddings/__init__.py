"""Embedders: what turns texts into vectors, behind one port (`domain.ports.Embedder`)."""

from .local import LocalEmbedder
from .openai import OpenAIEmbedder

__all__ = ["LocalEmbedder", "OpenAIEmbedder"]

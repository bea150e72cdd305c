"""Anthropic Messages: Claude's own protocol, which MiniMax, Kimi and some gateways speak as well."""

from .wire import Anthropic

__all__ = ["Anthropic"]

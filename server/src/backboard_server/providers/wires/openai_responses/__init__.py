"""OpenAI Responses: the protocol in which OpenAI's reasoning models show and keep their reasoning."""

from .wire import OpenAIResponses

__all__ = ["OpenAIResponses"]

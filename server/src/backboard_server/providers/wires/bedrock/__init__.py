"""Amazon Bedrock's Converse: one protocol for the models of many makers, each with small differences."""

from .wire import Bedrock

__all__ = ["Bedrock"]

"""Google's Gemini API: generateContent and streamGenerateContent."""

from .wire import Gemini

__all__ = ["Gemini"]

"""Token estimates: a fast local guess for budgets; the provider's own count corrects it afterwards."""

from __future__ import annotations

_BYTES_PER_TOKEN = (
    4  # English averages 4 characters a token; other scripts take more bytes and more tokens alike
)
_TOKENS_PER_MESSAGE = 4  # role and delimiters, as OpenAI's cookbook counts them


def estimate_tokens(text: str) -> int:
    """Return about how many tokens a model sees in `text`: its UTF-8 bytes by four, rounded up."""
    size = len(text) if text.isascii() else len(text.encode("utf-8", "replace"))
    return -(-size // _BYTES_PER_TOKEN)


def estimate_message_tokens(content: str) -> int:
    """Return the estimate for a whole message: its text and what the chat format adds to it."""
    return estimate_tokens(content) + _TOKENS_PER_MESSAGE

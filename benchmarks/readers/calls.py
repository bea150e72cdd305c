"""The call that every library makes, so that all of them read the same bytes."""

from __future__ import annotations

KEY = "sk-bench"
QUESTION = "Please count."
OUTPUT_TOKENS_MAX = 8_192  # where the protocol wants one

MODELS = {
    "openai_chat": "gpt-4o",
    "openai_responses": "gpt-5",
    "anthropic": "claude-sonnet-4-5",
    "gemini": "gemini-2.5-flash",
    "bedrock": "us.anthropic.claude-sonnet-4-6",
}
MESSAGES = [{"role": "user", "content": QUESTION}]
PROVIDERS = {
    "openai_chat": "openai",
    "openai_responses": "openai",
    "anthropic": "anthropic",
    "gemini": "google",
    "bedrock": "amazon-bedrock",
}


def configuration(root_url: str) -> dict[str, str]:
    """Return the environment in which our server finds the fake vendor, whichever it is to be."""
    return {
        "OPENAI_API_KEY": KEY,
        "OPENAI_BASE_URL": f"{root_url}/v1",
        "ANTHROPIC_API_KEY": KEY,
        "ANTHROPIC_BASE_URL": root_url,
        "GEMINI_API_KEY": KEY,
        "GEMINI_BASE_URL": root_url,
        "AWS_BEARER_TOKEN_BEDROCK": KEY,
        "BEDROCK_BASE_URL": root_url,
    }

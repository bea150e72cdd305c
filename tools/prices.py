"""Condenses `genai-prices` into what the catalogue reads of it, so that a server need not import the package.

python tools/prices.py            write genai_prices.json beside the catalogue
python tools/prices.py --check    fail where the file was made from another version than is installed

The package costs 0.3 s and 39 MB to import (most of it prices of the past and rules to match names); the file
costs a few milliseconds. Kept is what can be said without guessing: today's price for names that the package
gives in full or by their beginning.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

FILE = Path(__file__).parents[1] / "server/src/backboard_server/providers/catalogue/genai_prices.json"

# Which provider of ours is meant by one of theirs; what is billed by subscription, or no host, is left out.
PROVIDERS = {
    "anthropic": "anthropic", "aws": "amazon-bedrock", "azure": "azure", "baseten": "baseten",
    "cerebras": "cerebras", "cloudflare": "cloudflare-workers-ai", "cohere": "cohere",
    "databricks": "databricks", "deepseek": "deepseek", "elevenlabs": "elevenlabs",
    "fireworks": "fireworks-ai", "google": "google", "groq": "groq", "minimax": "minimax",
    "mistral": "mistral", "moonshotai": "moonshotai", "novita": "novita-ai", "openai": "openai",
    "openrouter": "openrouter", "ovhcloud": "ovhcloud", "perplexity": "perplexity", "together": "togetherai",
    "typesafe": "typesafe", "voyageai": "voyageai", "x-ai": "xai", "zai": "zai", "zhipuai": "zhipuai",
}  # fmt: skip

# Their units by our rates, and those that have a field of the contract's catalogue instead.
RATES = {
    "input_mtok": "input",
    "output_mtok": "output",
    "cache_read_mtok": "cached_input",
    "cache_write_mtok": "cache_write_input",
    "output_reasoning_mtok": "reasoning",
}
DETAILS = {
    "input_image_mtok": "image_input_cost_per_1m_tokens",
    "output_image_mtok": "image_output_cost_per_1m_tokens",
    "input_audio_mtok": "audio_input_cost_per_1m_tokens",
    "cache_audio_read_mtok": "cached_audio_input_cost_per_1m_tokens",
    "output_audio_mtok": "audio_output_cost_per_1m_tokens",
    "input_mchars": "cost_per_1m_characters",
}


def main(arguments: list[str], file: Path = FILE) -> int:
    """Write the file, or with `--check` compare; return the exit status."""
    taken = version("genai-prices")
    found = str(json.loads(file.read_text("utf-8"))["version"]) if file.exists() else ""
    if "--check" in arguments:
        if found == taken:
            return 0
        print(
            f"{file.name} was not made from genai-prices {taken}: run `make generate` and commit the result."
        )
        return 1
    if found != taken:
        file.write_text(written(taken, datetime.now(UTC).date()), "utf-8")
    return 0


def written(taken: str, today: date) -> str:
    """Return the file's text, a model a line, so that a change of prices reads well as a difference."""
    from genai_prices.data import providers  # slow, and of no use to `--check`

    entries = [entry for provider in providers for entry in condensed(provider, today)]
    lines = ",\n".join(json.dumps(entry, ensure_ascii=False) for entry in entries)
    return f'{{"version": "{taken}", "dated": "{today}", "models": [\n{lines}\n]}}\n'


def condensed(provider: Any, today: date) -> Iterator[dict[str, Any]]:
    """Return what is kept of a provider: names, context window, price, details in the contract's words."""
    ours = PROVIDERS.get(provider.id)
    for model in provider.models if ours else ():
        if ours == "google" and model.id.startswith("claude"):
            continue  # sold through Vertex AI, which is another provider
        names, beginnings = matched(model.match)
        rates = price_of(model, today)
        price = priced(rates)
        entry = {
            "provider": ours,
            "name": model.id,
            "names": sorted(names),
            "beginnings": sorted(beginnings),
            "context": model.context_window,
            # Whether the entry may stand for a model by itself, or only prices what others list.
            "is_model": not model.deprecated and model.id in names,
            "price": price,
            "details": details_of(rates),
        }
        if (names or beginnings) and (price or entry["details"] or entry["is_model"]):
            yield {key: value for key, value in entry.items() if value}


def matched(clause: Any) -> tuple[set[str], set[str]]:
    """Return the names that a clause gives in full, and the beginnings; what is looser is left out."""
    match type(clause).__name__:
        case "ClauseEquals":
            return {clause.equals}, set()
        case "ClauseStartsWith":
            return set(), {clause.starts_with}
        case "ClauseOr":
            names: set[str] = set()
            beginnings: set[str] = set()
            for part in clause.or_:
                in_full, by_beginning = matched(part)
                names |= in_full
                beginnings |= by_beginning
            return names, beginnings
        case _:
            return set(), set()


def price_of(model: Any, today: date) -> Mapping[str, Any]:
    """Return the rates in force: the latest that has begun, and of those by the hour the dearest."""
    prices: object = model.prices
    if not isinstance(prices, list):
        return cast("Mapping[str, Any]", vars(prices))
    in_force: Mapping[str, Any] = {}
    for conditional in cast("list[Any]", prices):
        rates = cast("Mapping[str, Any]", vars(conditional.prices))
        is_by_the_hour = hasattr(conditional.constraint, "start_time")
        has_begun = getattr(conditional.constraint, "start_date", today) <= today
        if (_number(rates["input_mtok"]) >= _number(in_force["input_mtok"])) if is_by_the_hour else has_begun:
            in_force = rates
    return in_force


def priced(rates: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return a price with its tiers, or None where input has none."""
    thresholds = [0, *sorted({tier.start for rate in rates.values() for tier in getattr(rate, "tiers", ())})]
    price = _at(rates, thresholds[-1])
    for below, above in reversed([*pairwise(thresholds)]):
        price = _at(rates, below) | {"tier_input_tokens": above, "tier": price}
    return price if "input" in price else None


def details_of(rates: Mapping[str, Any]) -> dict[str, float]:
    """Return what is not paid for by tokens of text, by the contract's names."""
    details = {name: _number(rates[unit]) for unit, name in DETAILS.items() if rates.get(unit) is not None}
    if (hour := rates.get("audio_hours")) is not None:
        details["cost_per_minute"] = round(_number(hour) / 60, 6)
    return details


def _at(rates: Mapping[str, Any], threshold: int) -> dict[str, Any]:
    return {
        name: _number(rates[unit], threshold) for unit, name in RATES.items() if rates.get(unit) is not None
    }


def _number(rate: Any, threshold: int = 0) -> float:
    """Return a rate as a number: the one of calls above `threshold` tokens where it has tiers."""
    if isinstance(rate, Decimal):
        return float(rate)
    reached: Iterable[Any] = [tier for tier in rate.tiers if threshold and tier.start <= threshold]
    return float(max(reached, key=lambda tier: tier.start).price if reached else rate.base)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""What model calls cost."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime

import pytest
from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import ModelPrice

from pithy_local.config import Price
from pithy_local.pricing import ASSUMED, Prices

OPENROUTER = "https://openrouter.ai/api/v1"
OWN_SERVER = "http://127.0.0.1:11434/v1"


def test_a_known_model_costs_what_the_price_list_says() -> None:
    assert Prices({}).cost("openai", "gpt-4o", input_tokens=1_000_000, output_tokens=100_000) == pytest.approx(3.5)


@pytest.mark.parametrize(
    ("provider", "model"), [("openai", "gpt-4o"), ("openai", "gpt-4o-2024-08-06"), ("anthropic", "claude-sonnet-4-5")]
)
def test_default_models_and_dated_names_have_a_price(provider: str, model: str) -> None:
    cost = Prices({}).cost(provider, model, input_tokens=1_000, output_tokens=1_000)

    assert cost is not None
    assert cost > 0


def test_tokens_from_a_cache_are_part_of_the_input_and_cheaper() -> None:
    prices = Prices({})
    whole = prices.cost("anthropic", "claude-sonnet-4-5", input_tokens=1_000_000, output_tokens=0)
    read = prices.cost("anthropic", "claude-sonnet-4-5", input_tokens=1_000_000, output_tokens=0, cache_read=1_000_000)
    written = prices.cost(
        "anthropic", "claude-sonnet-4-5", input_tokens=1_000_000, output_tokens=0, cache_write=1_000_000
    )

    assert whole is not None
    assert read == pytest.approx(whole * 0.1)
    assert written == pytest.approx(whole * 1.25)


def test_more_cached_tokens_than_input_are_a_servers_mistake_and_no_error() -> None:
    prices = Prices({})
    odd = prices.cost("openai", "gpt-4o", input_tokens=10, output_tokens=1, cache_read=50, cache_write=50)

    assert odd == prices.cost("openai", "gpt-4o", input_tokens=10, output_tokens=1, cache_read=10)


def test_the_users_table_comes_first_and_goes_by_the_exact_name() -> None:
    prices = Prices({"gpt-4o": Price(input=1.0, output=2.0)})

    assert prices.cost("openai", "gpt-4o", input_tokens=1_000_000, output_tokens=1_000_000, cache_read=5) == 3.0
    assert prices.cost("openai", "gpt-4o-mini", input_tokens=1_000_000, output_tokens=0) == pytest.approx(0.15)


def test_a_free_model_of_the_users_costs_and_counts_nothing() -> None:
    prices = Prices({"qwen2.5-coder": Price(input=0, output=0)})

    assert prices.cost("openai", "qwen2.5-coder", input_tokens=9_000, output_tokens=9_000) == 0.0
    assert prices.charge("openai", "qwen2.5-coder", input_tokens=9_000, output_tokens=9_000) == 0.0


@pytest.mark.parametrize(
    ("provider", "model"), [("openai", "qwen2.5-coder"), ("openai", ""), ("openai", "(("), ("scripted", "scripted")]
)
def test_an_unknown_price_is_none_and_is_charged_all_the_same(provider: str, model: str) -> None:
    prices = Prices({})

    assert prices.cost(provider, model, input_tokens=1_000, output_tokens=100) is None
    assert prices.charge(provider, model, input_tokens=1_000, output_tokens=100) == pytest.approx(0.15 + 0.06)


@pytest.mark.parametrize(("model", "cost"), [("gpt-4o", 0.0), ("mine", 0.0), ("qwen2.5-coder", None)])
def test_a_call_that_took_no_tokens_is_free_only_where_the_price_is_known(model: str, cost: float | None) -> None:
    prices = Prices({"mine": Price(input=1.0, output=2.0)})

    assert prices.cost("openai", model, input_tokens=0, output_tokens=0) == cost
    assert prices.charge("openai", model, input_tokens=0, output_tokens=0) == 0.0


def test_a_model_listed_without_a_price_per_token_is_unknown() -> None:
    """Embeddings have no price of output: what a server says they wrote is not free."""
    prices = Prices({})
    unpriced = [model for provider, model, price in _listed() if provider == "openai" and price.output_mtok is None]

    assert unpriced
    for model in unpriced:
        assert prices.cost("openai", model, input_tokens=0, output_tokens=1_000) is None


def test_a_known_model_is_charged_what_it_costs() -> None:
    prices = Prices({})
    tokens = {"input_tokens": 12_345, "output_tokens": 678, "cache_read": 999}

    assert prices.charge("openai", "gpt-4o", **tokens) == prices.cost("openai", "gpt-4o", **tokens)


def test_a_server_that_is_known_has_its_own_prices() -> None:
    prices = Prices({}, {"openai": OPENROUTER})

    assert prices.cost("openai", "anthropic/claude-sonnet-4", input_tokens=1_000_000, output_tokens=0) == 3.0
    assert Prices({}).cost("openai", "anthropic/claude-sonnet-4", input_tokens=1_000_000, output_tokens=0) is None


def test_on_a_server_of_the_users_own_a_model_goes_by_its_name() -> None:
    prices = Prices({}, {"openai": OWN_SERVER, "anthropic": ""})

    assert prices.cost("openai", "gpt-4o", input_tokens=1_000_000, output_tokens=0) == 2.5
    assert prices.cost("openai", "llama3.2", input_tokens=1_000_000, output_tokens=0) is None
    assert prices.cost("anthropic", "claude-sonnet-4-5", input_tokens=100_000, output_tokens=0) == pytest.approx(0.3)


def test_no_listed_model_is_dearer_than_what_is_assumed() -> None:
    """Or an unpriced model could spend more than the day's budget. Every model can be priced without an error."""
    prices = Prices({})
    listed = _listed()
    tokens = {"input_tokens": 1_000_000, "output_tokens": 1_000_000, "cache_write": 500_000}
    assert len(listed) > 500

    for provider, model, _ in listed:
        assert (prices.cost(provider, model, **tokens) or 0) <= ASSUMED.input + ASSUMED.output, f"{provider} {model}"


def test_the_price_list_is_loaded_when_it_is_needed_and_nothing_is_fetched() -> None:
    code = """
import socket, sys
def refuse(*args): raise AssertionError("a network request")
socket.socket.connect = socket.getaddrinfo = refuse
from pithy_local.config import Price
from pithy_local.pricing import Prices
prices = Prices({"mine": Price(input=1, output=1)})
assert prices.cost("openai", "mine", input_tokens=1, output_tokens=1)
assert "genai_prices" not in sys.modules
assert prices.cost("openai", "gpt-4o", input_tokens=1, output_tokens=1)
assert prices.cost("openai", "nobody-knows", input_tokens=1, output_tokens=1) is None
"""
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, timeout=100)


def _listed() -> list[tuple[str, str, ModelPrice]]:
    now = datetime.now(UTC)
    return [
        (provider.id, model.id, model.get_prices(now))
        for provider in get_snapshot().providers
        for model in provider.models
    ]

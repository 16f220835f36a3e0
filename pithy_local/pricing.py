"""What model calls cost: the user's own table first, then the prices that come with genai-prices. Never a request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pithy_local.config import Price

if TYPE_CHECKING:
    from genai_prices.types import PriceCalculation

ASSUMED = Price(input=150.0, output=600.0)
"""USD per million tokens of a model that nobody knows a price of. It is that of the dearest model in genai-prices' data
(OpenAI's o1-pro), so that what is charged against a budget is no less than what such a model can really cost."""
MILLION = 1_000_000


class Prices:
    """`table`: the user's prices by exact model name. `base_urls`: by provider, as configured, "" = the provider's own.

    A server that genai-prices knows (OpenRouter, Groq, …) has its own prices. On any other the model is found by its
    name, wherever it runs: a model on the user's own machine that is called `gpt-4o` costs what `gpt-4o` costs, until
    the user's table says otherwise.
    """

    def __init__(self, table: Mapping[str, Price], base_urls: Mapping[str, str] | None = None) -> None:
        self._table, self._base_urls = table, base_urls or {}

    def cost(
        self, provider: str, model: str, *, input_tokens: int, output_tokens: int, cache_read: int = 0,
        cache_write: int = 0,
    ) -> float | None:  # fmt: skip
        """USD for one call; None where the price is unknown, also of a call that took no tokens.

        `input_tokens` includes those read from and written to a cache. The user's table knows no prices for these: they
        cost what other input costs.
        """
        if price := self._table.get(model):
            return _plain(price, input_tokens, output_tokens)
        found = self._look_up(provider, model, input_tokens, output_tokens, cache_read, cache_write)
        if found is None:
            return None
        known = found.model_price
        if known.input_mtok is None and known.output_mtok is None:
            return None
        if (input_tokens and known.input_mtok is None) or (output_tokens and known.output_mtok is None):
            return None  # listed, but not by the token
        return float(found.total_price)

    def charge(
        self, provider: str, model: str, *, input_tokens: int, output_tokens: int, cache_read: int = 0,
        cache_write: int = 0,
    ) -> float:  # fmt: skip
        """USD that count against the day's budget: the cost; where it is unknown, what ASSUMED makes of the tokens."""
        cost = self.cost(
            provider, model, input_tokens=input_tokens, output_tokens=output_tokens, cache_read=cache_read,
            cache_write=cache_write,
        )  # fmt: skip
        return _plain(ASSUMED, input_tokens, output_tokens) if cost is None else cost

    def _look_up(
        self, provider: str, model: str, input_tokens: int, output_tokens: int, cache_read: int, cache_write: int
    ) -> PriceCalculation | None:
        from genai_prices import Usage, calc_price  # 300 ms

        read = min(cache_read, input_tokens)  # a server that miscounts must not end a call
        usage = Usage(
            input_tokens=input_tokens, output_tokens=output_tokens, cache_read_tokens=read,
            cache_write_tokens=min(cache_write, input_tokens - read),
        )  # fmt: skip
        try:
            if base_url := self._base_urls.get(provider):
                return calc_price(usage, model, provider_api_url=base_url)
        except LookupError:
            pass  # a server or a name of its own
        try:
            return calc_price(usage, model, provider_id=provider)
        except LookupError:
            return None


def _plain(price: Price, input_tokens: int, output_tokens: int) -> float:
    return (input_tokens * price.input + output_tokens * price.output) / MILLION

"""Token counts in the forms in which servers report them."""

from typing import Any

import pytest

from transforms.elements.usage import TokenPrices, Usage
from transforms.teacher.reported_usage import read_usage


@pytest.mark.parametrize(
    ("reported", "counts"),
    [
        (None, (None, None, 0, 0)),
        ({}, (None, None, 0, 0)),
        # OpenAI, Azure OpenAI, vLLM, OpenRouter: the parts are inside
        (
            {
                "prompt_tokens": 1200,
                "completion_tokens": 300,
                "total_tokens": 1500,
                "prompt_tokens_details": {"cached_tokens": 1024},
                "completion_tokens_details": {"reasoning_tokens": 256},
            },
            (1200, 300, 1024, 256),
        ),
        # xAI: the reasoning is beside the completion, and in the total
        (
            {
                "prompt_tokens": 10120,
                "completion_tokens": 1499,
                "total_tokens": 14428,
                "prompt_tokens_details": {"cached_tokens": 128},
                "completion_tokens_details": {"reasoning_tokens": 2809},
            },
            (10120, 4308, 128, 2809),
        ),
        # a gateway before Gemini, all thought and no answer
        (
            {"prompt_tokens": 21, "completion_tokens": 0, "total_tokens": 81, "completion_tokens_details": {"reasoning_tokens": 60}},
            (21, 60, 0, 60),
        ),
        # the same without a total: more reasoning than completion can only be beside it
        ({"prompt_tokens": 21, "completion_tokens": 7, "completion_tokens_details": {"reasoning_tokens": 60}}, (21, 67, 0, 60)),
        # DeepSeek
        (
            {"prompt_tokens": 100, "completion_tokens": 5, "prompt_cache_hit_tokens": 64, "prompt_cache_miss_tokens": 36},
            (100, 5, 64, 0),
        ),
        # Moonshot; SGLang and Perplexity
        ({"prompt_tokens": 100, "completion_tokens": 5, "cached_tokens": 96}, (100, 5, 96, 0)),
        ({"prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150, "reasoning_tokens": 30}, (100, 50, 0, 30)),
        # Anthropic's own: what the cache had a part in is beside input_tokens
        (
            {"input_tokens": 7, "output_tokens": 40, "cache_read_input_tokens": 1000, "cache_creation_input_tokens": 200},
            (1207, 40, 1000, 0),
        ),
        # LiteLLM before Anthropic: inside, under both names
        (
            {
                "prompt_tokens": 1207,
                "completion_tokens": 40,
                "total_tokens": 1247,
                "prompt_tokens_details": {"cached_tokens": 1000},
                "cache_read_input_tokens": 1000,
                "cache_creation_input_tokens": 200,
            },
            (1207, 40, 1000, 0),
        ),
        # OpenAI's names of the Responses API
        (
            {
                "input_tokens": 100,
                "output_tokens": 50,
                "input_tokens_details": {"cached_tokens": 64},
                "output_tokens_details": {"reasoning_tokens": 20},
            },
            (100, 50, 64, 20),
        ),
        # nulls, and what cannot be
        (
            {"prompt_tokens": 10, "completion_tokens": 5, "prompt_tokens_details": None, "output_tokens_details": {"reasoning_tokens": None}},
            (10, 5, 0, 0),
        ),
        ({"prompt_tokens": 10, "completion_tokens": 5, "cached_tokens": 99}, (10, 5, 10, 0)),
        # as texts, and as languages count that have no integers
        ({"prompt_tokens": "10", "completion_tokens": "5", "total_tokens": "15"}, (10, 5, 0, 0)),
        ({"prompt_tokens": 10.0, "completion_tokens": 5.0, "total_tokens": 15.0}, (10, 5, 0, 0)),
        ({"prompt_tokens": True, "completion_tokens": -1, "cached_tokens": "4"}, (None, None, 0, 0)),
    ],
)
def test_what_is_reported_is_counted_as_openai_counts(reported: Any, counts: tuple[int | None, int | None, int, int]) -> None:
    assert read_usage(reported) == counts


def test_parts_cost_their_own_price_and_without_one_that_of_the_rest() -> None:
    usage = Usage(1_000_000, 1_000_000, cached=400_000, reasoning=500_000)
    assert TokenPrices(10.0, 20.0).cost(usage) == pytest.approx(30.0)
    assert TokenPrices(10.0, 20.0, per_million_cached=1.0).cost(usage) == pytest.approx(6.0 + 0.4 + 20.0)
    assert TokenPrices(10.0, 20.0, 0.0, 2.0).cost(usage) == pytest.approx(6.0 + 10.0 + 1.0)
    assert TokenPrices(None, 20.0).cost(usage) == pytest.approx(20.0)

"""The meaning of every provider's finish_reason: data that the client and the parsing share.

The words for complete answers are listed, so an unknown word never counts as complete.
"""

from __future__ import annotations

import re
from enum import Enum
from functools import lru_cache

NEARLY = 0.95
"""Token counts differ a little between servers."""


class Ending(str, Enum):
    """How an answer ended."""

    COMPLETE = "complete"
    CUT_OFF = "cut_off"  # the token limit or the context was reached
    FILTERED = "filtered"  # a filter of the service, or the model's refusal, withheld the answer or its end
    BROKEN_OFF = "broken_off"  # the server failed or gave up: the same request may succeed later
    TOOL_CALLS = "tool_calls"  # the model wants to call a tool; none was offered
    REPETITION = "repetition"  # the server stopped a text that repeated itself


WORDS: dict[Ending, tuple[str, ...]] = {
    Ending.COMPLETE: (
        "stop",  # OpenAI and all that follow it; Gemini, xAI, Ollama
        "eos",  # Together; llama.cpp's stop_type
        "eos_token",  # TGI, watsonx
        "end_turn",  # Anthropic, Bedrock Converse
        "stop_sequence",  # Anthropic, Bedrock Converse, TGI, Cohere, watsonx
        "stop_criteria_met",  # Bedrock Titan
        "finish",
        "finished",  # Bedrock Titan
        "complete",  # Cohere
        "completed",  # OpenAI's responses
        "normal",  # Baidu
        "endoftext",  # AI21
        "end_of_text",  # Aleph Alpha
        "stop_sequence_reached",  # Aleph Alpha
        "end_id",  # TensorRT-LLM
        "stop_words",  # TensorRT-LLM
        "word",  # llama.cpp's stop_type
        "eos_found",  # LM Studio
        "stop_string_found",  # LM Studio
        "end_token",  # HyperCLOVA X
        "stop_before",  # HyperCLOVA X
        "alternative_status_final",  # YandexGPT
        "end_of_turn",  # Gemma's token, and other models' end tokens
        "im_end",
        "eot",
        "eot_id",
        "end_of_sequence",
        "eos_reached",
        # as gateways rewrite them
        "stop_token",
        "stop_token_reached",
        "stop_string",
        "stop_seq",
        "stop_word",
        "stopped",
        "natural_stop",
        "turn_end",
        "end",
        "done",
    ),
    Ending.CUT_OFF: (
        "length",  # OpenAI and all that follow it
        "max_tokens",  # Anthropic, Gemini, Cohere, Bedrock Converse, watsonx
        "model_length",  # Mistral: the context is full
        "model_context_window_exceeded",  # Anthropic, Bedrock, Zhipu
        "error_limit",  # Cohere, first version: the context is full
        "limit",  # llama.cpp's stop_type
        "token_limit",  # watsonx
        "max_output",  # MiniMax
        "max_len",  # xAI's gRPC, with REASON_ before it
        "max_context",  # xAI's gRPC
        "maximum_tokens",  # Aleph Alpha
        "max_predicted_tokens_reached",  # LM Studio
        "context_length_reached",  # LM Studio
        "max_output_tokens",  # OpenAI's responses
        "alternative_status_truncated_final",  # YandexGPT
        # as gateways rewrite them
        "max_new_tokens",
        "max_completion_tokens",
        "max_tokens_reached",
        "max_tokens_exceeded",
        "max_length",
        "max_context_length",
        "length_limit",
        "length_limit_reached",
        "limit_reached",
        "token_limit_reached",
        "context",
        "context_length",
        "context_length_exceeded",
        "context_window_exceeded",
        "truncated",
    ),
    Ending.FILTERED: (
        "content_filter",  # OpenAI, Azure, DeepSeek
        "content_filtered",  # Bedrock
        "guardrail_intervened",  # Bedrock
        "refusal",  # Anthropic
        "safety",  # Gemini, Vertex; so are the next eight
        "recitation",
        "language",
        "blocklist",
        "prohibited_content",
        "spii",
        "model_armor",
        "image_safety",
        "jailbreak",
        "error_toxic",  # Cohere, first version
        "sensitive",  # Zhipu, Tencent
        "blacklist",  # GigaChat
        "alternative_status_content_filter",  # YandexGPT
        "image_prohibited_content",  # Gemini
        # as gateways rewrite them
        "content_policy",
        "content_policy_violation",
        "content_moderation",
        "moderation",
        "safety_filter",
        "guardrail",
        "flagged",
        "blocked",
        "responsible_ai_policy_violation",
    ),
    Ending.BROKEN_OFF: (
        "error",  # OpenRouter, Mistral, vLLM, Cohere, watsonx
        "abort",  # vLLM, SGLang
        "insufficient_system_resource",  # DeepSeek
        "network_error",  # Zhipu
        "timeout",  # Cohere
        "timed_out",  # TensorRT-LLM
        "time_limit",  # watsonx, xAI's gRPC
        "cancelled",  # TensorRT-LLM, watsonx
        "user_cancel",  # Cohere, first version
        "user_stopped",  # LM Studio
        "failed",  # LM Studio
        "model_unloaded",  # LM Studio
        "load",  # Ollama: the model was loaded, nothing was generated
        "unload",  # Ollama
        "malformed_response",  # Gemini
        "malformed_model_output",  # Bedrock
        "not_finished",  # TensorRT-LLM, watsonx
        # as gateways rewrite them
        "errored",
        "aborted",
        "cancel",
        "canceled",
        "failure",
        "internal_error",
        "server_error",
        "engine_error",
        "upstream_error",
        "overloaded",
        "interrupted",
        "disconnected",
    ),
    Ending.TOOL_CALLS: (
        "tool_calls",  # OpenAI
        "function_call",  # OpenAI, until 2023
        "tool_call",  # Cohere
        "tool_use",  # Anthropic, Bedrock Converse
        "pause_turn",  # Anthropic: a tool of the service takes long
        "malformed_tool_use",  # Bedrock
        "malformed_function_call",  # Gemini; so are the next two
        "unexpected_tool_call",
        "too_many_tool_calls",
    ),
    Ending.REPETITION: ("repetition",),  # vLLM
}

CONTEXT_FULL = frozenset(
    {
        "model_length",
        "model_context_window_exceeded",
        "error_limit",
        "max_context",
        "context_length_reached",
        "max_context_length",
        "context",
        "context_length",
        "context_length_exceeded",
        "context_window_exceeded",
    }
)
"""Words for cut off that mean the model's context is full: a higher token limit does not help."""

_PARTS: dict[Ending, re.Pattern[str]] = {
    Ending.FILTERED: re.compile(
        r"(?:^|_)(?:filter\w*|safety|unsafe|blocked|prohibited|censored|moderat\w+|policy|guardrail\w*|toxic\w*|recitation|harm\w*)(?:_|$)"
    ),
    Ending.BROKEN_OFF: re.compile(
        r"(?:^|_)(?:errors?|failed|failure|abort\w*|cancel\w*|timeout|deadline|exception|crashed|killed|dead|shutdown|preempted|unavailable"
        r"|disconnected|interrupted|rate_limit\w*)(?:_|$)"
    ),
    Ending.CUT_OFF: re.compile(r"(?:^|_)(?:max|limit\w*|length|truncat\w+|context|incomplete|exhausted)(?:_|$)"),
}
"""If an unknown word contains one of these parts, the answer is certainly not complete."""

_BY_WORD = {word: ending for ending, words in WORDS.items() for word in words}
_PREFIX = re.compile(r"^(?:(?:finish|stop)_?reason_|reason_)")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_NO_LETTERS = re.compile(r"[^a-z0-9]+")


@lru_cache(maxsize=1024)
def ending_of(finish_reason: str | None) -> Ending | None:
    """How an answer with this finish_reason ended; None for an unknown word.

    Upper and lower case, camelCase, blanks and dashes make no difference, nor does a prefix ``FINISH_REASON_``. Details may follow
    the word for a bad ending ("content_filter: SAFETY"), and a part of an unknown word may mark a bad ending. No word
    counts as complete: an online endpoint's ``/score`` sends none.
    """
    if finish_reason is None or not finish_reason.strip():
        return Ending.COMPLETE
    ending = _BY_WORD.get(_plain(finish_reason))
    head, colon, _ = finish_reason.partition(":")
    if ending is None and colon:
        ending = _BY_WORD.get(_plain(head))
        return None if ending is Ending.COMPLETE else ending
    return ending or _by_parts(_plain(finish_reason))


def _by_parts(word: str) -> Ending | None:
    return next((ending for ending, part in _PARTS.items() if part.search(word)), None)


def reached_limit(finish_reason: str | None, written: int | None, limit: int) -> bool:
    """Whether an answer that was cut off has its ``limit`` of tokens. With fewer the context is full, or the server has a limit."""
    return not is_context_full(finish_reason) and not (written and written < limit * NEARLY)


def is_context_full(finish_reason: str | None) -> bool:
    """Whether the word says that the answer filled the model's context."""
    word = _plain(finish_reason or "")
    return word in CONTEXT_FULL or (ending_of(finish_reason) is Ending.CUT_OFF and "context" in word)


def _plain(word: str) -> str:
    snake = _NO_LETTERS.sub("_", _HUMP.sub("_", word).lower()).strip("_")
    return _PREFIX.sub("", snake)

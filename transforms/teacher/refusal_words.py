"""Messages about a refusing endpoint: its own words, and advice."""

from __future__ import annotations

import re

from transforms.elements.failures import FailureKind, RequestFailure

_ADVICE = {
    FailureKind.UNAUTHORIZED: "The credential is missing, wrong or expired: see authentication_type and what it names.",
    FailureKind.FORBIDDEN: "The credential is known but may not use this endpoint: see its permissions or network rules.",
    FailureKind.NOT_FOUND: "There is no chat completions route here, or no such model: see teacher_model_endpoint_url and model.",
    FailureKind.QUOTA_SPENT: "The account has no credit or quota left: add some or wait until it is renewed, then run the same command again.",
}
_FIREWALL = re.compile(
    r"just a moment|attention required|captcha|checking your browser|bot check|bot detection|application firewall|you have been blocked"
    r"|\bcloudflare\b|\berror (?:code:? )?10(?:06|0[78]|09|1[02]|15|20)\b|incident id|request blocked|requested url was rejected"
    r"|banned your (?:access|ip)|pardon our interruption|incapsula|reference #\d+\.",
    re.I,
)
_FIREWALL_ADVICE = (
    "A firewall in front of the endpoint blocks this client, whatever its key: send from a network that it allows, have it let this client "
    "through, or give another User-Agent in additional_headers."
)
_TOKEN_LIMIT_NAMED = re.compile(
    r"\bmax(?:imum)?[ _]?(?:completion[ _]|new[ _]|output[ _])?tokens\b|\bmaxOutputTokens\b|\bmax_gen_len\b", re.IGNORECASE
)
_MOST = re.compile(  # the number to set, in the words of many servers
    r"(?:at most|up to|(?:less|lower|smaller) than or equal to|<=|maximum(?: allowed)?(?: value)?(?: is| of|:)?|limit (?:of|is)|> "
    r"|\[\s*\d+\s*,|between \d+ and|from \d+ (?:\(\w+\) )?to)[\s`'\"]{0,3}(?P<limit>\d[\d,]{0,9})",
    re.IGNORECASE,
)
_WEB_PAGE = re.compile(r"\s*(<!doctype html|<html|<head|<body)", re.IGNORECASE)
_TITLE = re.compile(r"<title[^>]*>([^<]*)", re.IGNORECASE)


def refusal_text(chat_url: str, failure: RequestFailure, answers: int = 0) -> str:
    """A refusal by the endpoint itself, which gave ``answers`` to rows before."""
    if failure.kind is FailureKind.NO_TRUST:
        return f"{chat_url} is there, but {failure.detail}."
    if failure.kind is FailureKind.NOT_FOUND and answers:
        return (
            f"{chat_url} gave {answers:,} {'answer' if answers == 1 else 'answers'} before and has gone: now {failure.detail}"
            f"{begins_with(failure)}. The server behind this address was stopped or replaced, or serves another model now: start it again, "
            "then run the same command again."
        )
    advice = firewall_advice(failure.kind, failure.excerpt) or _ADVICE.get(failure.kind, "")
    return f"{chat_url} answered {failure.detail}{begins_with(failure)}. {advice}".rstrip()


def firewall_advice(kind: FailureKind, response: str) -> str | None:
    """What to do if a firewall's page came instead of the endpoint's own refusal; None for any other refusal."""
    is_refused = kind in (FailureKind.UNAUTHORIZED, FailureKind.FORBIDDEN)
    return _FIREWALL_ADVICE if is_refused and not response.lstrip().startswith(("{", "[")) and _FIREWALL.search(response) else None


def no_room_text(chat_url: str, max_new_tokens: int, failure: RequestFailure, by_own_question: bool) -> str:
    """The token limit leaves no room for prompts."""
    seen = "even a question of a few words is too long" if by_own_question else "every row so far is too long"
    return (
        f"{chat_url}: {seen} for the model beside an answer of up to {max_new_tokens} tokens ({failure.detail}{begins_with(failure)}). "
        "Lower teacher_model_max_new_tokens: prompt and answer together must fit the model's context."
    )


def settings_refused_text(chat_url: str, max_new_tokens: int, failure: RequestFailure, refused: int) -> str:
    """No row was answered: ``refused`` requests of rows (more, if a form of the request was given up), and our test question, were refused."""
    return (
        f"{chat_url} answered no row: it refused at least {refused} requests, from several places of the input, and a short one of our own "
        f"({failure.detail}{begins_with(failure)}). {_settings_advice(max_new_tokens, failure.excerpt)}"
    )


def _settings_advice(max_new_tokens: int, response: str) -> str:
    if _TOKEN_LIMIT_NAMED.search(response) is None:
        return "Look at the model name, the sampling settings and extra_body."
    allowed = [int(found["limit"].replace(",", "")) for found in _MOST.finditer(response)]
    most = max((limit for limit in allowed if 0 < limit < max_new_tokens), default=None)
    if most is None:
        return f"Change teacher_model_max_new_tokens, which is {max_new_tokens}: the model does not take this token limit."
    return f"Lower teacher_model_max_new_tokens, which is {max_new_tokens}, to at most {most}: the model takes no higher token limit."


def begins_with(failure: RequestFailure) -> str:
    """``: `` and the first words of the response; empty if there are none."""
    words = failure.excerpt.strip()
    if not words:
        return ""
    if _WEB_PAGE.match(words):
        title = _TITLE.search(words)
        named = f'"{title[1].strip()}", ' if title and title[1].strip() else ""
        what = "" if "web page" in failure.detail else "this is a web page, "
        return f": {what}{named}it begins with {' '.join(words.split())[:200]}"
    return f": {words[:300]}"

"""Messages about changed settings: rows, requests, tokens, money."""

import json

from beam_distill.before_run.changed_settings import ChangedSettings, SentAgain, together
from beam_distill.job.prices import Prices
from transforms.elements.usage import TokenPrices, Usage

PRICES = Prices(TokenPrices(per_million_in=1000.0, per_million_out=10_000.0, per_million_cached=100.0))
EARLIER, NOW = json.dumps({"temperature": 0.2, "max_tokens": 512}), json.dumps({"temperature": 0.9, "max_tokens": 100})


def test_nothing_changed_says_nothing() -> None:
    assert ChangedSettings().sentences(512, PRICES) == []


def test_what_earlier_answers_took_is_the_price() -> None:
    again = SentAgain()
    again.add_row(2, [Usage(100, 50), Usage(300, 70)])
    assert again.price(None, 512) == "2 requests, about 400 tokens in and about 120 out, as the earlier answers took"
    assert again.price(PRICES, 512) == "2 requests, about 400 tokens in and about 120 out, about 1.60 USD, as the earlier answers took"
    again.add_row(2, [Usage(100, 50, cached=100), None])  # without reported tokens an answer counts as the average of the others
    assert again.price(None, 512) == "4 requests, about 667 tokens in and about 227 out, as the earlier answers took"
    assert again.price(PRICES, 10) == "4 requests, about 667 tokens in and at most 40 out, at most 0.95 USD"  # a lower limit bounds them


def test_where_no_tokens_were_reported_none_are_invented() -> None:
    again = SentAgain()
    again.add_row(3, [None])
    assert again.price(PRICES, 512) == "3 requests; their usage is not known, because the endpoint reports no tokens"


def test_splits_are_added_up() -> None:
    train, validation = ChangedSettings(used=1, limits={512}), ChangedSettings(context_full=2, limits={256}, earlier=EARLIER, now=NOW)
    train.cut_off.add_row(1, [Usage(10, 512)])
    validation.cut_off.add_row(1, [Usage(10, 256)])
    validation.other.add_row(1, [Usage(10, 20)])
    said = together([train, validation]).sentences(1024, None)
    assert [sentence.partition(" sent")[0] for sentence in said] == [
        "teacher_model_max_new_tokens is 1024: 1 row answered under 256, 512 is not",
        "2 rows cut off below teacher_model_max_new_tokens (256, 512), by the model's context or a limit of the server's, are not",
        "teacher_model_max_new_tokens 256, 512 -> 1024: 2 rows cut off by the lower limit are",
        "the ledger holds answers about 1 row to other requests, which are not used: what differs is teacher_model_temperature 0.2 -> 0.9; "
        "teacher_model_max_new_tokens 512 -> 100. These rows are",
    ]
    assert said[2].endswith("2 requests, about 20 tokens in and at most 2,048 out")

"""No form of a secret remains in a server's response, and other text does."""

import base64
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.web.redaction import MASKED, Redactor, printable

SECRET = 'sk-te"st/Key+0123456789=='


@pytest.mark.fault("T8", "X-F1")
@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        f"Bearer {SECRET}",
        json.dumps({"authorization": f"Bearer {SECRET}"}),
        json.dumps(SECRET).replace("/", "\\/"),
        quote(SECRET, safe=""),
        quote(SECRET),
        quote_plus(SECRET),
        base64.b64encode(f"user:{SECRET}".encode()).decode(),
        base64.urlsafe_b64encode(f"Bearer {SECRET} and more".encode()).decode(),
    ],
)
def test_every_form_of_a_secret_is_replaced(form: str) -> None:
    redactor = Redactor([f"Bearer {SECRET}"])
    shown = redactor.text(f"you sent {form}.")
    assert MASKED in shown
    assert "0123456789" not in shown
    assert base64.b64encode(b"0123456789")[4:10].decode() not in shown


@pytest.mark.fault("T8")
@given(before=st.binary(max_size=9), after=st.binary(max_size=9), key=st.from_regex(r"[a-f+/=-]{11,40}[0-9]", fullmatch=True))
def test_base64_of_a_secret_is_found_wherever_it_begins(before: bytes, after: bytes, key: str) -> None:
    encoded = base64.b64encode(before + key.encode() + after)
    assert MASKED.encode() in Redactor([key]).body(encoded)


@pytest.mark.fault("T8")
@pytest.mark.parametrize("word", ["EMPTY", "none", "password", "token", "abc"])
def test_a_word_in_the_place_of_a_key_is_not_struck_out_of_answers(word: str) -> None:
    text = f"The {word} is a common word."
    assert Redactor([word]).text(text) == text


@pytest.mark.fault("X-F8")
def test_control_characters_are_shown_as_dots() -> None:
    assert printable("\x1b]0;title\x07 \x1b[2J red\u202etxt.exe\x9b1m\nnext\ttab") == "·]0;title· ·[2J red·txt.exe·1m\nnext\ttab"

"""Messages about an endpoint that is given up."""

import pytest

from transforms.elements.failures import FailureKind, RequestFailure
from transforms.teacher.refusal_words import refusal_text


@pytest.mark.parametrize("page", ["Just a moment... Enable JavaScript", "Attention Required! | Cloudflare", "Solve the CAPTCHA"])
def test_a_bot_check_is_not_called_a_wrong_key(page: str) -> None:
    said = refusal_text("https://api.example/v1", RequestFailure(FailureKind.FORBIDDEN, "status 403", status=403, excerpt=page))
    assert "bot check answers instead of the endpoint" in said
    assert "credential" not in said


def test_a_plain_403_is_about_the_credential() -> None:
    failure = RequestFailure(FailureKind.FORBIDDEN, "status 403", status=403, excerpt='{"error":"no access"}')
    assert "The credential is known but may not use this endpoint" in refusal_text("https://api.example/v1", failure)

"""The speed of streamed answers in the summary."""

from beam_distill.after_run.token_speed import TokenSpeed, token_speed, token_speed_line


def test_means_over_the_answers_that_were_streamed() -> None:
    metrics = {"answers_streamed": 4, "first_token_ms": 6000, "streaming_ms": 40_000, "streamed_tokens": 2000, "requests_sent": 9}
    assert token_speed(metrics) == TokenSpeed(4, 1.5, 50.0)
    assert token_speed_line(metrics) == "4 answers: first token after 1.5 s on average, then 50.0 tokens a second each"


def test_an_endpoint_that_counts_no_tokens_and_a_run_without_streams() -> None:
    assert token_speed_line({"answers_streamed": 1, "first_token_ms": 100}) == "1 answer: first token after 0.1 s on average"
    assert token_speed_line({}) == ""
    assert token_speed({"requests_sent": 3}) is None

"""Proxy variables as people write them; an unusable one is always reported."""

import pytest

from transforms.web.proxies import UnusableProxy, by_way_of, failed_by_way_of, is_loopback, proxy_for

TEACHER = "http://teacher.internal:8000/v1/chat/completions"
SECURE = "https://teacher.internal/v1/chat/completions"


@pytest.mark.fault("D18")
@pytest.mark.parametrize(
    ("url", "environ", "proxy"),
    [
        (TEACHER, {}, None),
        (TEACHER, {"http_proxy": ""}, None),
        (TEACHER, {"http_proxy": "http://proxy:3128"}, "http://proxy:3128"),
        (TEACHER, {"http_proxy": "proxy:3128"}, "http://proxy:3128"),
        (TEACHER, {"http_proxy": "127.0.0.1:3128"}, "http://127.0.0.1:3128"),
        (TEACHER, {"http_proxy": "http://me:secret@proxy:3128/"}, "http://me:secret@proxy:3128"),
        (TEACHER, {"HTTP_PROXY": "http://proxy:3128"}, "http://proxy:3128"),
        (TEACHER, {"http_proxy": "http://small:1", "HTTP_PROXY": "http://large:1"}, "http://small:1"),
        (TEACHER, {"http_proxy": "", "HTTP_PROXY": "http://large:1"}, None),
        (TEACHER, {"https_proxy": "http://proxy:3128"}, None),
        (SECURE, {"https_proxy": "proxy:3128"}, "http://proxy:3128"),
        (SECURE, {"all_proxy": "http://proxy:3128"}, "http://proxy:3128"),
        (SECURE, {"ALL_PROXY": "socks5://proxy:1080"}, None),
        ("http://[::1]:8000/v1", {"http_proxy": "http://[fe80::1]:3128"}, "http://[fe80::1]:3128"),
    ],
)
def test_the_proxy_that_leads_to_an_address(url: str, environ: dict[str, str], proxy: str | None) -> None:
    assert proxy_for(url, environ) == proxy


@pytest.mark.fault("D18")
@pytest.mark.parametrize(
    ("url", "exceptions", "past"),
    [
        (TEACHER, "*", True),
        (TEACHER, "teacher.internal", True),
        (TEACHER, ".internal", True),
        (TEACHER, "internal", True),
        (TEACHER, "*.internal", True),
        (TEACHER, "other, teacher.internal", True),
        (TEACHER, "other teacher.internal", True),
        (TEACHER, "TEACHER.Internal", True),
        (TEACHER, "teacher.internal:8000", True),
        (TEACHER, "teacher.internal:9000", False),
        (TEACHER, "eacher.internal", False),
        (TEACHER, "", False),
        ("http://10.1.2.3:8000/v1", "10.0.0.0/8", True),
        ("http://10.1.2.3:8000/v1", "10.1.2.3", True),
        ("http://11.1.2.3:8000/v1", "10.0.0.0/8", False),
        ("http://[fd00::5]:8000/v1", "fd00::/8", True),
        ("http://[::1]:8000/v1", "[::1]:8000", True),
        ("http://[::1]:8000/v1", "::1", True),
        ("http://localhost/v1", "localhost:80", True),
    ],
)
def test_what_is_reached_without_the_proxy(url: str, exceptions: str, past: bool) -> None:
    assert (proxy_for(url, {"http_proxy": "http://proxy:3128", "no_proxy": exceptions}) is None) is past


@pytest.mark.fault("D18")
@pytest.mark.parametrize(
    "value", ["https://proxy:3128", "socks5://proxy:1080", "socks5h://proxy", "http://", "http://proxy:port", "ftp://proxy"]
)
def test_a_proxy_that_cannot_be_used_is_refused_by_its_variable(value: str) -> None:
    with pytest.raises(UnusableProxy, match="http_proxy"):
        proxy_for(TEACHER, {"http_proxy": value})


def test_the_route_is_reported_without_the_proxys_password() -> None:
    assert by_way_of(TEACHER, {"HTTP_PROXY": "http://me:secret@proxy:3128/"}) == "through the proxy proxy:3128 (HTTP_PROXY)"
    assert by_way_of(TEACHER, {"http_proxy": "http://proxy:3128", "no_proxy": "*"}) == by_way_of(TEACHER, {}) == ""


@pytest.mark.fault("D18")
@pytest.mark.parametrize(
    ("host", "named"),
    [
        ("localhost", "localhost"),
        ("127.0.0.2", "127.0.0.2"),
        ("[::1]", "::1"),
        ("10.1.2.3", "10.1.2.3"),
        ("vllm", "vllm"),
        ("teacher.internal", "teacher.internal"),
        ("vllm.models.svc.cluster.local", "vllm.models.svc.cluster.local"),
    ],
)
def test_a_failure_by_way_of_a_proxy_names_no_proxy_for_a_host_of_ones_own(host: str, named: str) -> None:
    way = failed_by_way_of(f"http://{host}:8000/v1", {"HTTP_PROXY": "http://me:secret@proxy:3128"})
    assert way == f"through the proxy proxy:3128 (HTTP_PROXY, which applies to {named} too: set no_proxy={named} to go past it)"
    way = failed_by_way_of(f"http://{host}:8000/v1", {"http_proxy": "proxy:3128", "NO_PROXY": "other"})
    assert way == f"through the proxy proxy:3128 (http_proxy, which applies to {named} too: set NO_PROXY=other,{named} to go past it)"


@pytest.mark.parametrize("host", ["api.openai.com", "8.8.8.8", "teacher.example"])
def test_a_failure_of_a_public_host_does_not_advise_to_go_past_the_proxy(host: str) -> None:
    variables = {"http_proxy": "http://proxy:3128"}
    assert failed_by_way_of(f"http://{host}/v1", variables) == by_way_of(f"http://{host}/v1", variables)
    assert failed_by_way_of(f"http://{host}/v1", {}) == ""


def test_the_machines_own_addresses() -> None:
    assert all(is_loopback(f"http://{host}:8000") for host in ("localhost", "LOCALHOST", "127.0.0.1", "127.9.9.9", "[::1]"))
    assert not any(is_loopback(f"http://{host}:8000") for host in ("10.0.0.1", "vllm", "localhost.example"))

"""An admin says where the store is in one line, and is told what is wrong with it."""

import pytest

from config.store_address import read_address

ADDRESSES: dict[str, tuple[str, dict[str, object]]] = {
    "redis://localhost": ("redis://localhost:6379", {"tls": False, "cluster": False}),
    "redis://:pass%40word@h:7000/2": ("redis://h:7000/2", {"database": 2, "user": ""}),
    "rediss://dragoman:secret@h:6380?ssl_ca_certs=/etc/ca.pem": (
        "rediss://h:6380",
        {"tls": True, "user": "dragoman", "files": {"ssl_ca_certs": "/etc/ca.pem"}},
    ),
    "redis+cluster://a:1,b:2,[::1]:3?tls=true&prefix=shop": (
        "redis+cluster://a:1,b:2,::1:3",
        {"cluster": True, "tls": True, "prefix": "shop", "nodes": (("a", 1), ("b", 2), ("::1", 3))},
    ),
    "redis+sentinel://a,b:1/main/3?sentinel_password=x": (
        "redis+sentinel://a:26379,b:1/main/3",
        {"master": "main", "database": 3},
    ),
}

FAULTS = {
    "postgres://h": "must be",
    "redis": "must be",
    "redis://": "must name servers",
    "redis://h:99999": "must name servers",
    "redis://a,b": "several servers",
    "redis://h/first": "must be a number",
    "redis+cluster://a:1/2": "no numbered databases",
    "redis+sentinel://a:1": "must name the master",
    "redis://h?timeout=1": "no option 'timeout'",
    "redis://h?tls=perhaps": "true or false",
    "redis://h?prefix={x}": "prefix",
}


@pytest.mark.parametrize("text", ADDRESSES)
def test_an_address_is_read(text: str) -> None:
    address = read_address(text)
    shown, fields = ADDRESSES[text]

    assert str(address) == shown
    assert {name: getattr(address, name) for name in fields} == fields


@pytest.mark.parametrize("text", FAULTS)
def test_what_is_wrong_with_an_address_is_said(text: str) -> None:
    with pytest.raises(ValueError, match=FAULTS[text]):
        read_address(text)


def test_a_password_is_read_and_never_shown() -> None:
    address = read_address("redis://dragoman:s%3Acret@h?sentinel_password=hidden")

    assert address is not None
    assert address.password.reveal() == "s:cret"
    assert not [word for word in ("s:cret", "s%3Acret", "hidden") if word in f"{address} {address!r}"]
    with pytest.raises(ValueError, match="no option") as error:
        read_address("redis://dragoman:s3cret@h?odd=1")
    assert "s3cret" not in str(error.value)


def test_the_embedded_store_needs_no_address() -> None:
    assert read_address("sqlite") is None

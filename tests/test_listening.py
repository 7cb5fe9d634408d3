"""Sockets that servers listen on."""

import socket

import pytest

from hemline.errors import BadInput
from hemline.listening import listen_on


def test_a_port_that_is_taken_says_who_wanted_it_and_what_to_do() -> None:
    with listen_on("127.0.0.1", 0, who="the first", fix="none") as first:
        port = first.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port), timeout=10):
            pass
        with pytest.raises(BadInput) as refused:
            listen_on("127.0.0.1", port, who="the shop", fix="choose another port")
    assert refused.value.rule == f"the shop can listen on 127.0.0.1, port {port}"
    assert refused.value.fix == "choose another port"


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(BadInput, match=r"192\.0\.2\.1"):
        listen_on("192.0.2.1", 0, who="the shop", fix="choose another address")

"""Sockets that servers listen on, bound first of all: a port that is taken says so at once."""

import socket
from typing import Final

from hemline.errors import BadInput

_QUEUE: Final = 128  # connections that wait to be accepted


def listen_on(host: str, port: int, *, who: str, fix: str, queue: int = _QUEUE) -> socket.socket:
    """Return a socket that listens on an address.

    Args:
        host: an IPv4 or IPv6 address, or a name.
        port: of the host.
        who: listens there, for the message.
        fix: what to do where the address is taken, for the message.
        queue: connections that wait to be accepted.

    Raises:
        BadInput: the address is taken, or not this machine's.
    """
    listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(queue)
    except OSError as error:
        listening.close()
        raise BadInput(
            f"{who} can listen on {host}, port {port}", found=str(error.strerror), fix=fix
        ) from None
    return listening

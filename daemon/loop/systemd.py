"""Tell systemd how we are: one datagram to $NOTIFY_SOCKET (sd_notify(3))."""

import os
import socket


def notify(state: str) -> bool:
    """Send a state such as `READY=1`; False where nobody listens."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return False
    if address.startswith("@"):
        address = "\0" + address[1:]
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
            channel.settimeout(1)
            channel.sendto(state.encode(), address)
    except OSError:
        return False
    return True

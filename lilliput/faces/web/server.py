"""Listens, prints the address, and gives the page out until Ctrl-C."""

import errno
import ipaddress
import secrets
import socket
import sys

import uvicorn

from lilliput.errors import LilliputError, UserError
from lilliput.faces.web.app import application
from lilliput.faces.web.site import Site

_TRIES = 100
"""Ports above one in use that are tried, to suggest a free one."""
_GRACE = 1
"""Seconds that answers under way are waited for at the end; those that tell of runs never end."""


def serve(host: str, port: int) -> None:
    """Serves until SIGINT or SIGTERM, then KeyboardInterrupt.

    Raises:
        UserError: a host that is none of this machine's, a port in use or not to be had.
    """
    listener = _listen(host, port)
    port = listener.getsockname()[1]
    own = _is_loopback(listener.getsockname()[0])
    token = "" if own else secrets.token_urlsafe(18)
    hosts = _names(host, port) if own else None
    config = uvicorn.Config(
        application(Site(live=True), hosts=hosts, token=token, port=port),
        http="h11",
        ws="none",
        loop="asyncio",
        lifespan="off",
        log_config=None,
        log_level="critical",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=_GRACE,
    )
    server = uvicorn.Server(config)
    print(f"{_address(host, port, token)}   (Ctrl-C ends)", flush=True)
    if token:
        print(
            "lilliput: whoever has this address can see the page, and the network sees the"
            " address; `ssh -L` to 127.0.0.1 hides it",
            file=sys.stderr,
        )
    server.run(sockets=[listener])


def _listen(host: str, port: int) -> socket.socket:
    if not 0 <= port <= 65535:
        raise UserError(f"port must be from 0 (any free one) to 65535; got {port}")
    try:
        return _bound(host, port)
    except socket.gaierror:
        raise UserError(
            f"no host {host!r}; leave --host out, or give an address of this machine"
        ) from None
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            free = _next_free(host, port)
            hint = f"try: lilliput serve --port {free}" if free else "choose another --port"
            raise UserError(f"port {port} is in use; {hint}") from None
        if error.errno == errno.EADDRNOTAVAIL:
            raise UserError(
                f"{host!r} is no address of this machine; leave --host out, or give one of its own"
            ) from None
        if error.errno == errno.EACCES:
            raise UserError(
                f"port {port} is kept for the system; take one from 1024, such as --port 8420"
            ) from None
        raise LilliputError(f"cannot listen on {host} port {port}: {error.strerror}") from None


def _bound(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listener = socket.socket(family, kind, protocol)
    try:
        if sys.platform != "win32":  # there it would share a port with whoever listens on it
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(128)
    except BaseException:
        listener.close()
        raise
    return listener


def _next_free(host: str, port: int) -> int:
    """A port above one in use; 0: none was found."""
    for other in range(port + 1, min(port + _TRIES, 65535) + 1):
        try:
            _bound(host, other).close()
        except OSError:
            continue
        return other
    return 0


def _is_loopback(address: str) -> bool:
    return ipaddress.ip_address(address.partition("%")[0]).is_loopback


def _names(host: str, port: int) -> frozenset[str]:
    """What a browser on this machine may call it."""
    names = {"127.0.0.1", "localhost", "[::1]", _bracketed(host.lower())}
    ends = (f":{port}", "") if port == 80 else (f":{port}",)
    return frozenset(name + end for name in names for end in ends)


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _address(host: str, port: int, token: str) -> str:
    name = socket.gethostname() if host in ("0.0.0.0", "::") else _bracketed(host)
    return f"http://{name}:{port}/" + (f"?token={token}" if token else "")

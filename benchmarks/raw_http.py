"""HTTP/1.1 over a kept connection with as little work as can be: for stand-ins and askers that nobody must wait for."""

import socket


def read_message(connection: socket.socket, rest: bytes) -> tuple[bytes, bytes, bytes]:
    """Read one message, `rest` being what came behind the one before: its headers in lower case, its body, and what
    came behind. Empty when the other side has left."""
    head, rest = read_head(connection, rest)
    length = length_of(head) if head else 0
    while len(rest) < length:
        rest += receive(connection)
    return head, rest[:length], rest[length:]


def read_head(connection: socket.socket, data: bytes) -> tuple[bytes, bytes]:
    """Read to the end of HTTP headers: those, and what came behind them. Empty when the other side has left."""
    while (end := data.find(b"\r\n\r\n")) < 0:
        more = connection.recv(1 << 16)
        if not more:
            return b"", b""
        data += more
    return data[:end].lower(), data[end + 4 :]


def length_of(head: bytes) -> int:
    return int(head.partition(b"content-length:")[2].split(b"\r\n", 1)[0])


def receive(connection: socket.socket) -> bytes:
    """Some bytes. Raises ConnectionError when the other side has left."""
    data = connection.recv(1 << 20)
    if not data:
        raise ConnectionError("the other side has closed the connection")
    return data

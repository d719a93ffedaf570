"""Mail in figures: letters per second over a line with round trips of 20 ms, beside the least time.

With PIPELINING a letter costs one round trip: its content travels with the next one's commands;
without it four. The least time is measured too: as many bare round trips over the same line. The
server and the slow line run in a process of their own.
"""

import asyncio
import logging
import multiprocessing
import socket
import time
from multiprocessing.connection import Connection
from pathlib import Path

import structlog

from connectors.smtp import Smtp
from daemon.config.model import Config, Organization
from daemon.config.smtp import Smtp as Section
from daemon.core.domain import Email, Key, Mail
from daemon.core.ports import Done
from tests.doubles import smtp as double

ROUND_TRIP = 0.020
LETTERS = 100
ROUNDS = 3
_SETUP = 3
"""Round trips of a connection besides its greeting: EHLO, the first commands, QUIT."""


def run() -> None:
    """Print letters per second over one connection and several, with and without PIPELINING."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    print("connections  pipelining  letters/s  round trips s  seconds  ratio  per connection")
    for pipelined in (True, False):
        alone = 0.0
        for connections in (1, 2, 4, 8):
            bare, seconds = _measured(connections, pipelined=pipelined)
            rate = connections * LETTERS / seconds
            alone = alone or rate
            print(
                f"{connections:11}  {'yes' if pipelined else 'no':>10}  {rate:9.1f}  {bare:13.3f}"
                f"  {seconds:7.3f}  {bare / seconds:5.3f}  {rate / alone / connections:14.3f}"
            )


def _measured(connections: int, *, pipelined: bool) -> tuple[float, float]:
    """The time of the least round trips, bare, and of `LETTERS` letters for each connection: of
    several rounds the one with the median ratio."""
    here, there = multiprocessing.Pipe()
    spawn = multiprocessing.get_context("spawn")
    server = spawn.Process(target=_serve, args=(there, pipelined), daemon=True)
    server.start()
    try:
        port = here.recv()
        section = Section(
            host="127.0.0.1", port=port, tls="none", connections=connections, hello="bench"
        )
        config = Config(root=Path(), organization=Organization(name="Acme"), smtp=section)
        trips = LETTERS * (1 if pipelined else 4) + _SETUP - (not pipelined)
        rounds = [(_bare(port, trips), _once(config, connections * LETTERS)) for _ in range(ROUNDS)]
        return sorted(rounds, key=lambda each: each[0] / each[1])[ROUNDS // 2]
    finally:
        server.terminate()
        server.join()


def _bare(port: int, trips: int) -> float:
    """How long so many round trips take over this line on this machine at this moment."""
    began = time.perf_counter()
    with socket.create_connection(("127.0.0.1", port)) as peer:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        peer.recv(1024)
        for _ in range(trips):
            peer.sendall(b"NOOP\r\n")
            peer.recv(1024)
    return time.perf_counter() - began


def _once(config: Config, number: int) -> float:
    mails = [_letter(index) for index in range(number)]
    began = time.perf_counter()
    answer = Smtp(config).send(mails)
    seconds = time.perf_counter() - began
    assert all(isinstance(each, Done) for each in answer.values())
    return seconds


def _letter(index: int) -> Mail:
    to = Email(f"worker{index}@acme.example")
    content = f"From: careloop@acme.example\r\nTo: {to}\r\nSubject: x\r\n\r\n".encode()
    body = b"A line of sixty signs or so, as letters have many of them.\r\n" * 200
    key = Key(f"letter:prep:{index}")
    return Mail(key, Email("careloop@acme.example"), to, f"<{index}@acme>", content + body)


# --- the other side -------------------------------------------------------------------------


def _serve(told: Connection, pipelined: bool) -> None:
    offers = double.EXTENSIONS if pipelined else double.EXTENSIONS[1:]
    with double.smtp(extensions=offers) as server:
        asyncio.run(_line(told, server.port))


async def _line(told: Connection, port: int) -> None:
    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(_slowly(reader, far_writer), _slowly(far_reader, writer))

    line = await asyncio.start_server(carry, "127.0.0.1", 0)
    told.send(line.sockets[0].getsockname()[1])
    await line.serve_forever()


async def _slowly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Hand on what comes in half a round trip later."""
    loop = asyncio.get_running_loop()
    while content := await reader.read(2**16):
        loop.call_later(ROUND_TRIP / 2, writer.write, content)
    loop.call_later(ROUND_TRIP / 2, writer.close)

"""The service against its own scorer: throughput over HTTP as a share of in-process, and overload.

    python benchmarks/serve.py

Everything on 127.0.0.1 and bounded. The same photos are scored in turns by threads in this process
and through `snellen serve` in another, with as many threads each. Clients of a service are on other
machines; here they share its cores, so what they take is counted apart: the share that matters is
processor time, of a picture in process by that of a picture in the service's own process (all its
threads, the kernel's part included). The share of pictures per second, with the client's part in
it, is printed beside it. Then four times as many clients as the line has places ask at once:
replies are 200 or 429, nothing is lost, and the slowest are told beside the time that a full line
takes.
"""

from __future__ import annotations

import http.client
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from photos import write_jpegs

from snellen import load_scorer
from snellen.images import DecodeBuffer, read
from snellen.serve import Limits

ROUNDS, PICTURES = 5, 24
LINE, CLIENTS, SECONDS = 8, 32, 10
_BOUNDARY = "snellen-benchmark"


def form(data: bytes) -> bytes:
    """A form with one picture."""
    head = (
        f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="files"; filename="a.jpg"\r\n\r\n'
    )
    return head.encode() + data + f"\r\n--{_BOUNDARY}--\r\n".encode()


class Caller(threading.local):
    """One connection a thread, kept."""

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        self._line = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)

    def post(self, body: bytes) -> int:
        """The status of the reply."""
        kind = f"multipart/form-data; boundary={_BOUNDARY}"
        self._line.request("POST", "/v1/score", body, {"Content-Type": kind})
        reply = self._line.getresponse()
        reply.read()
        return reply.status


def processor_seconds(process: int) -> float:
    """What a process has taken of the processors so far, its kernel time included (Linux)."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Round:
    """What one turn cost: pictures per second, and processor seconds a picture."""

    rate: float
    own: float  # of this process: the scorer in process, the client over HTTP
    other: float  # of the service's


def turn(work: Callable[[bytes], object], items: list[bytes], threads: int, service: int) -> Round:
    with ThreadPoolExecutor(threads) as pool:
        start, own, other = time.perf_counter(), time.process_time(), processor_seconds(service)
        list(pool.map(work, items))
        end = time.perf_counter()
    count = len(items)
    return Round(
        count / (end - start),
        (time.process_time() - own) / count,
        (processor_seconds(service) - other) / count,
    )


def throughput(address: str, photos: list[bytes], threads: int, service: int) -> None:
    """Print service : process, the median of rounds in turns."""
    scorer = load_scorer("built-in")
    caller = Caller(address)
    bodies = [form(photo) for photo in photos]
    buffers = threading.local()

    def here(data: bytes) -> object:
        if not hasattr(buffers, "own"):  # as the service's threads have
            buffers.own = DecodeBuffer()
        return scorer.score(read(data, buffer=buffers.own))

    for work, items in ((here, photos), (caller.post, bodies)):
        turn(work, items, threads, service)  # warm
    rounds = [
        (turn(here, photos, threads, service), turn(caller.post, bodies, threads + 1, service))
        for _ in range(ROUNDS)
    ]
    own = statistics.median(one.own for one, _ in rounds) * 1000
    served = statistics.median(two.other for _, two in rounds) * 1000
    client = statistics.median(two.own for _, two in rounds) * 1000
    shares = sorted(one.own / two.other for one, two in rounds)
    rates = sorted(two.rate / one.rate for one, two in rounds)
    print(
        f"a picture takes {own:.1f} ms of a processor in process, {served:.1f} in the service",
        end="",
    )
    print(f" and {client:.1f} in the client")
    print(f"share by processor time {statistics.median(shares):.2f}", end=" ")
    print(f"(rounds {shares[0]:.2f} to {shares[-1]:.2f})")
    print("share of pictures per second, the client on the same cores:", end=" ")
    print(f"{statistics.median(rates):.2f} ({rates[0]:.2f} to {rates[-1]:.2f})")


def overload(address: str, body: bytes, threads: int) -> None:
    """Many clients ask without pause for some seconds."""
    taken: list[float] = []
    counts: Counter[int] = Counter()
    sent = 0
    lock = threading.Lock()
    end = time.perf_counter() + SECONDS
    caller = Caller(address)

    def client() -> None:
        nonlocal sent
        while (start := time.perf_counter()) < end:
            with lock:
                sent += 1
            status = caller.post(body)
            with lock:
                counts[status] += 1
                if status == 200:
                    taken.append(time.perf_counter() - start)
            if status == 429:
                time.sleep(0.05)

    clients = [threading.Thread(target=client) for _ in range(CLIENTS)]
    for one in clients:
        one.start()
    for one in clients:
        one.join()
    slowest = sorted(taken)[int(0.99 * (len(taken) - 1))]
    allowed = (LINE + threads) * SECONDS / len(taken)
    print(
        f"overload: {sent} requests, {dict(sorted(counts.items()))}, lost {sent - counts.total()};"
    )
    middle = statistics.median(taken)
    print(f"p50 {middle:.2f} s, p99 {slowest:.2f} s; a full line takes {allowed:.2f} s")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        paths = write_jpegs(Path(folder), PICTURES, (1200, 1600))
        photos = [path.read_bytes() for path in paths]
    threads = Limits().threads
    command = [sys.executable, "-m", "snellen", "serve", "--port", "0", "--waiting", str(LINE)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as service:
        try:
            assert service.stdout is not None
            address = next(line.split()[1] for line in service.stdout if line.startswith("page "))
            throughput(address, photos, threads, service.pid)
            if "--no-overload" not in sys.argv:
                overload(address, form(photos[0]), threads)
        finally:
            service.terminate()


if __name__ == "__main__":
    main()

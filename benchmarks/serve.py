"""The service against its own scorer: throughput over HTTP as a share of in-process, and overload.

    python benchmarks/serve.py

Everything on 127.0.0.1 and bounded. The same photos are scored in turns by threads in this process
and through `snellen serve` in another, with as many threads each; the ratio of the medians is
printed. Then four times as many clients as the line has places ask at once: replies are 200 or 429,
nothing is lost, and the slowest replies are told beside the time that a full line takes.
"""

from __future__ import annotations

import http.client
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

from photos import write_jpegs

from snellen import load_scorer
from snellen.images import read
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


def per_second(work: Callable[[bytes], object], items: list[bytes], threads: int) -> float:
    with ThreadPoolExecutor(threads) as pool:
        start = time.perf_counter()
        list(pool.map(work, items))
        return len(items) / (time.perf_counter() - start)


def throughput(address: str, photos: list[bytes], threads: int) -> None:
    """Print service : process, the median of rounds in turns."""
    scorer = load_scorer("built-in")
    caller = Caller(address)
    bodies = [form(photo) for photo in photos]

    def here(data: bytes) -> object:
        return scorer.score(read(data))

    for work, items in ((here, photos), (caller.post, bodies)):
        per_second(work, items, threads)  # warm
    rounds = [
        (per_second(here, photos, threads), per_second(caller.post, bodies, threads + 1))
        for _ in range(ROUNDS)
    ]
    shares = [served / own for own, served in rounds]
    print(
        f"in process {statistics.median(own for own, _ in rounds):.1f} pictures/s, served", end=" "
    )
    print(f"{statistics.median(served for _, served in rounds):.1f}: share", end=" ")
    print(f"{statistics.median(shares):.2f} (rounds {min(shares):.2f} to {max(shares):.2f})")


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
            throughput(address, photos, threads)
            overload(address, form(photos[0]), threads)
        finally:
            service.terminate()


if __name__ == "__main__":
    main()

"""What the service counts, for Prometheus."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class Metrics:
    """Counters of one service; several in one process do not mix.

    routes  : paths that are counted by name; any other is "other", so that strangers cannot make
              up names.
    waiting : gives how many pictures are in line.
    """

    def __init__(self, routes: frozenset[str], waiting: Callable[[], int]) -> None:
        self._registry = CollectorRegistry()
        self._routes = routes
        self._requests = Counter(
            "snellen_requests", "Requests.", ("route", "status"), registry=self._registry
        )
        self._pictures = Counter(
            "snellen_pictures", "Pictures by outcome.", ("outcome",), registry=self._registry
        )
        self._request_seconds = Histogram(
            "snellen_request_seconds",
            "From a request's first byte to its reply.",
            ("route",),
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._picture_seconds = Histogram(
            "snellen_picture_seconds",
            "Of a picture: waiting in line, and being read and scored.",
            ("stage",),
            buckets=_SECONDS,
            registry=self._registry,
        )
        gauge = Gauge("snellen_waiting", "Pictures in line.", registry=self._registry)
        gauge.set_function(waiting)

    def served(self, path: str, status: int, seconds: float) -> None:
        """A request was answered."""
        route = path if path in self._routes else "other"
        self._requests.labels(route, str(status)).inc()
        self._request_seconds.labels(route).observe(seconds)

    def picture(self, outcome: str) -> None:
        """A picture was "scored", or is missing by this kind of error."""
        self._pictures.labels(outcome).inc()

    def stage(self, stage: str, seconds: float) -> None:
        """A picture left a stage."""
        self._picture_seconds.labels(stage).observe(seconds)

    def text(self) -> bytes:
        """All of it in Prometheus' text format."""
        return generate_latest(self._registry)

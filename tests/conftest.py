"""For every test: the same examples on every machine, no clock in the way, stores to ask."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest
from hypothesis import settings
from object_stores import KEY, SECRET, Bucket, Web, s3_server, web_server

settings.register_profile("same", derandomize=True, deadline=None)
settings.load_profile("same")

_NUMBERS = count()


@pytest.fixture(scope="session")
def s3_address() -> Iterator[str]:
    pytest.importorskip("moto", reason="moto is not installed")
    pytest.importorskip("s3fs", reason="the stores extra is not installed")
    with s3_server() as address:
        yield address


@pytest.fixture
def bucket(s3_address: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    """A bucket of its own, and credentials for it where the store's library looks for them."""
    import boto3

    from snellen.images import stores

    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_address)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    client = boto3.client("s3")
    made = Bucket(client, s3_address, f"photos-{next(_NUMBERS)}")
    client.create_bucket(Bucket=made.name)
    yield made
    made.check_rights(float("inf"))
    client.close()
    stores._store.cache_clear()


@pytest.fixture
def web() -> Iterator[Web]:
    pytest.importorskip("aiohttp", reason="the stores extra is not installed")
    with web_server(Web()) as served:
        yield served

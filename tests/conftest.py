"""For every test: the same examples on every machine, no clock in the way, stores to ask."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest
from google_server import Google, GoogleBucket, google_server
from hypothesis import settings
from object_stores import KEY, SECRET, Bucket, S3Bucket, Web, s3_server, web_server

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
def s3_bucket(s3_address: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Bucket]:
    """A bucket of its own, and credentials for it where the store's library looks for them."""
    import boto3

    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_address)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    client = boto3.client("s3")
    made = S3Bucket(client, s3_address, f"photos-{next(_NUMBERS)}")
    client.create_bucket(Bucket=made.name)
    yield made
    made.check_rights(float("inf"))
    client.close()


@pytest.fixture(scope="session")
def google() -> Iterator[Google]:
    # Its library would ask over gRPC what kind each bucket is, which the server here does not know.
    with pytest.MonkeyPatch.context() as patch, google_server() as server:
        patch.setenv("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false")
        pytest.importorskip("gcsfs", reason="the gcs extra is not installed")
        yield server


@pytest.fixture
def google_bucket(google: Google, monkeypatch: pytest.MonkeyPatch) -> Iterator[GoogleBucket]:
    """A bucket of its own, and where it is told to fsspec as by its configuration."""
    from fsspec.config import conf

    monkeypatch.setitem(conf, "gs", {"token": "anon", "endpoint_url": google.endpoint})
    made = GoogleBucket(google, f"photos-{next(_NUMBERS)}")
    google.buckets[made.name] = {}
    yield made
    made.check_rights(0)


@pytest.fixture(params=["s3", "google"])
def bucket(request: pytest.FixtureRequest) -> Iterator[Bucket]:
    """A bucket of each store in turn: the same is true of all."""
    from snellen.images import stores

    yield request.getfixturevalue(f"{request.param}_bucket")
    stores._store.cache_clear()


@pytest.fixture
def web() -> Iterator[Web]:
    pytest.importorskip("aiohttp", reason="the stores extra is not installed")
    with web_server(Web()) as served:
        yield served

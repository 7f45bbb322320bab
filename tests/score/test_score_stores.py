"""Whole runs over stores and archives: like runs over files, and nothing secret is left behind."""

from __future__ import annotations

import os
import ssl
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from archive_files import tarred, zip_bomb, zipped
from google_server import GoogleBucket
from object_stores import KEY, SECRET, Bucket, Web, web_server
from standin import StandIn, jpeg

import snellen
from snellen.table import Table

SIGNATURE = "X-Amz-Signature=0f7e5ecret"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def score(*paths: str, scorer: StandIn | None = None, run: str = "run") -> Table:
    return snellen.score(list(paths), scorer or StandIn(), jobs=2, run=run)


def rows(table: Table) -> dict[str, tuple[object, object]]:
    """Last part of the name → hash and score."""
    return {row["image"].rpartition("/")[2]: (row["hash"], row["score"]) for row in table}


def test_the_same_rows_wherever_the_pictures_lie(bucket: Bucket, web: Web) -> None:
    files = {f"{i:02}.jpg": jpeg(i) for i in range(12)}
    Path("here").mkdir()
    for name, data in files.items():
        (Path("here") / name).write_bytes(data)
    Path("p.zip").write_bytes(zipped(files))
    bucket.put_all({f"p/{name}": data for name, data in files.items()})
    bucket.put_all({"s.tar": tarred(files)})
    web.files = {f"/p/{name}": data for name, data in files.items()}
    want = rows(score("here", run="local"))
    store = bucket.address
    for number, place in enumerate(["p.zip", f"{store}/p", f"{store}/s.tar", f"{web.address}/p/"]):
        assert rows(score(place, run=f"run-{number}")) == want


def test_every_kind_of_bad_input_is_a_row_and_the_rest_is_scored(bucket: Bucket) -> None:
    bucket.put_all(
        {
            "p/1.jpg": jpeg(1), "p/half.jpg": jpeg(2, 200)[:-900], "p/text.jpg": b"a list",
            "p/s1.tar": tarred({"1.jpg": jpeg(3), "2.jpg": jpeg(4)})[:1700],
            "p/s2.zip": zip_bomb("bomb.png", 1, said=2_000_000_000),
            "p/s3.zip": zipped({"../../x.jpg": jpeg(5)}), "p/s4.tar": b"nothing",
            "p/empty.jpg": b"",
        }
    )  # fmt: skip
    table = score(f"{bucket.address}/p/*")
    reasons = {row["image"].rpartition("/p/")[2]: row["missing"] for row in table.missing}
    assert sorted(reasons) == [
        "empty.jpg", "half.jpg", "s1.tar", "s2.zip/bomb.png", "s3.zip/../../x.jpg", "s4.tar",
        "text.jpg",
    ]  # fmt: skip
    assert "half-written" in reasons["s1.tar"]
    assert "decompression bomb" in reasons["s2.zip/bomb.png"]
    assert "leads out" in reasons["s3.zip/../../x.jpg"]
    assert sorted(rows(table.scored)) == ["1.jpg"]  # of the folder, and the shard's first
    assert len(table.scored) == 2
    assert list(Path.cwd().rglob("x.jpg")) == []


def test_a_run_over_a_bucket_is_taken_up(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    from snellen.images import stores

    monkeypatch.setattr(stores, "_TOO_FRESH_NS", -(10**12))
    bucket.put_all({f"p/{i}.jpg": jpeg(i) for i in range(4)})
    place = f"{bucket.address}/p"
    score(place)
    again = StandIn()
    score(place, scorer=again)
    assert again.scored == []
    bucket.put_all({"p/4.jpg": jpeg(4), "p/1.jpg": jpeg(11, 30)})  # the listing changes
    bucket.delete("p/2.jpg")
    table = score(place, scorer=again)
    assert len(again.scored) == 2
    assert sorted(rows(table)) == ["0.jpg", "1.jpg", "3.jpg", "4.jpg"]


def test_what_a_store_does_not_date_is_known_by_its_content(web: Web) -> None:
    web.files = {"/1.jpg": jpeg(1), "/2.jpg": jpeg(2)}
    given = [f"{web.address}/1.jpg", f"{web.address}/2.jpg"]
    score(*given)
    again = StandIn()
    web.files["/2.jpg"] = jpeg(3)
    table = score(*given, scorer=again)
    assert len(again.scored) == 1
    assert len(table.scored) == 2


def test_fetching_and_scoring_overlap(web: Web) -> None:
    web.files = {f"/{i}.jpg": jpeg(i) for i in range(20)}
    web.pause = 0.1
    score(f"{web.address}/")
    assert web.most_at_once > 2  # the threads that score


def test_nothing_secret_is_left_behind(
    web: Web, bucket: Bucket, capfd: pytest.CaptureFixture[str]
) -> None:
    from typer.testing import CliRunner

    from snellen.cli import app

    web.files = {"/1.jpg": jpeg(1), "/2.jpg": b"no image"}
    bucket.put_all({"p/1.jpg": jpeg(1)})
    host = web.address.removeprefix("http://")
    given = [
        f"http://me:pa55word@{host}/1.jpg?{SIGNATURE}", f"http://{host}/2.jpg?{SIGNATURE}",
        f"http://{host}/gone.jpg?{SIGNATURE}", f"{bucket.address}/p",
    ]  # fmt: skip
    outputs = ["-o", "t.csv", "-o", "t.jsonl"]
    told = CliRunner().invoke(app, ["score", *given, "--run", "r", *outputs, "--worst", "5"])
    assert told.exit_code == 2, told.output
    more = CliRunner().invoke(app, ["score", *given, "--run", "r", "--crops", "2"])
    assert "another request" in str(more.exception)
    seen = told.output + str(more.exception) + "".join(capfd.readouterr())
    for path in (path for path in Path.cwd().rglob("*") if path.is_file()):
        seen += path.read_bytes().decode("latin-1")
    for secret in ("pa55word", "5ecret", SECRET, KEY):
        assert secret not in seen
    assert "/1.jpg?…" in Path("t.csv").read_text("utf-8")


@pytest.mark.parametrize("status", [401, 403])
def test_a_google_bucket_by_the_command(google_bucket: GoogleBucket, status: int) -> None:
    """Where the server is, and that nobody has a name, its library knows from the environment."""
    google_bucket.put_all({"p/1.jpg": jpeg(1), "p/2.jpg": jpeg(2)})
    command = [sys.executable, "-m", "snellen", "score", f"{google_bucket.address}/p", "--run", "r"]
    there = {"STORAGE_EMULATOR_HOST": google_bucket.server.endpoint, "FSSPEC_GS_TOKEN": "anon"}
    environment = {**os.environ, **there}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 of 2 scored" in done.stdout
    assert done.stderr == ""
    google_bucket.check_rights(status)
    refused = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    (line,) = refused.stderr.splitlines()
    assert line.startswith(f"snellen: {google_bucket.address}/p")
    assert "no permission to read it. Give this process credentials" in line


@pytest.mark.slow
def test_over_tls_as_a_program(tmp_path: Path) -> None:
    """The certificate is trusted the way OpenSSL is told to; an unknown one is a reason."""
    pytest.importorskip("aiohttp", reason="the stores extra is not installed")
    certificate = made_certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with web_server(Web({"/1.jpg": jpeg(1)}), context) as web:
        command = [sys.executable, "-m", "snellen", "score", f"{web.address}/1.jpg", "--run", "r"]
        trusting = {**os.environ, "SSL_CERT_FILE": str(certificate)}
        done = subprocess.run(command, env=trusting, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "1 of 1 scored" in done.stdout
        doubting = subprocess.run(
            [*command, "--fresh"], capture_output=True, text=True, check=False
        )
        assert doubting.returncode == 1
        assert "certificate" in doubting.stdout.lower()


def made_certificate(folder: Path) -> Path:
    """A certificate of 127.0.0.1 and its key, in one file."""
    import ipaddress

    pytest.importorskip("cryptography", reason="cryptography is not installed")
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(timezone.utc)
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1)).add_extension(names, critical=False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    path = folder / "certificate.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path

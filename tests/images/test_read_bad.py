"""Bad input: every damaged, misnamed, huge or unreachable file is one `ImageError`."""

from __future__ import annotations

import os
import random
import socket
import struct
import subprocess
import sys
import tracemalloc
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from image_files import encode, flat_jpeg, photo, png, png_chunk, tiff
from PIL import Image

from snellen.errors import (
    BrokenImage,
    ImageError,
    ImageTooLarge,
    InputError,
    MissingExtra,
    NotAnImage,
    UnreadableImage,
)
from snellen.images import Picture, read

ROOT = hasattr(os, "geteuid") and os.geteuid() == 0


@cache
def intact_files() -> dict[str, bytes]:
    """One file of each kind whose decoder goes another way."""
    image = Image.fromarray(photo())
    return {
        "jpeg": encode(image, "JPEG"),
        "progressive jpeg": encode(image, "JPEG", progressive=True),
        "grey jpeg": encode(image.convert("L"), "JPEG"),
        "cmyk jpeg": encode(image.convert("CMYK"), "JPEG"),
        "png": encode(image, "PNG"),
        "palette png": encode(image.quantize(16), "PNG"),
        "lossy webp": encode(image, "WEBP"),
        "lossless webp": encode(image, "WEBP", lossless=True),
        "avif": encode(image, "AVIF"),
        "tiff": encode(image, "TIFF"),
        "lzw tiff": encode(image, "TIFF", compression="tiff_lzw"),
        "deflate tiff": encode(image, "TIFF", compression="tiff_adobe_deflate"),
        "jpeg tiff": encode(image, "TIFF", compression="jpeg"),
        "bmp": encode(image, "BMP"),
        "palette bmp": encode(image.quantize(16), "BMP"),
        "gif": encode(image.quantize(16), "GIF"),
        "animated gif": encode(
            image.quantize(16), "GIF", save_all=True, append_images=[image.rotate(9).quantize(16)]
        ),
    }


@cache
def intact(kind: str) -> Picture:
    return read(intact_files()[kind])


KINDS = tuple(intact_files())


def attempt(data: bytes) -> Picture | ImageError:
    """What `read` gives, or the error of ours that it raises; any other one goes through."""
    try:
        return read(data, max_megapixels=4)
    except ImageError as error:
        return error


@pytest.mark.parametrize("kind", KINDS)
def test_a_truncated_file_is_an_error_or_gives_the_right_pixels(kind: str) -> None:
    data = intact_files()[kind]
    dice = random.Random(kind)
    cuts = {*range(40), *range(len(data) - 40, len(data)), *dice.choices(range(len(data)), k=60)}
    right = 0
    for cut in cuts:
        outcome = attempt(data[:cut])
        if isinstance(outcome, Picture):
            assert np.array_equal(outcome.pixels, intact(kind).pixels), f"cut at {cut}"
            right += 1
        else:
            assert "\n" not in str(outcome)
    # Only what follows the pixels may be missing: padding, an end mark, later frames.
    assert right <= (len(cuts) if kind == "animated gif" else 4)


@pytest.mark.parametrize(
    "kind", [kind for kind in KINDS if "jpeg" in kind or "png" in kind or "webp" in kind]
)
def test_an_unfinished_copy_that_ends_in_zeros_is_broken(kind: str) -> None:
    data = intact_files()[kind]
    with pytest.raises(BrokenImage):
        read(data[: len(data) * 2 // 3] + bytes(max(len(data) // 3, 4096)))


def test_damage_inside_png_data_is_found_by_its_checksum() -> None:
    data = bytearray(intact_files()["png"])
    data[len(data) // 2] ^= 1
    with pytest.raises(BrokenImage, match="checksum of 'IDAT'"):
        read(bytes(data))


def test_damage_in_a_comment_of_a_png_is_no_matter() -> None:
    comment = bytearray(png_chunk(b"tEXt", b"Comment\0hello"))
    comment[-1] ^= 1
    picture = photo(5, 5)
    data = png(picture, bits=8, colour_type=2)
    end = data.index(b"IEND") - 4
    assert np.array_equal(read(data[:end] + comment + data[end:]).pixels, picture)


def test_data_after_the_end_of_a_jpeg_is_no_matter() -> None:
    data = intact_files()["jpeg"]
    assert np.array_equal(read(data + b"a second picture").pixels, intact("jpeg").pixels)


@settings(derandomize=True, deadline=None)
@given(st.binary(max_size=300))
@example(b"\xff\xd8\xff")
@example(b"\xff\xd8\xff\xda\x00\x02\xff\xd9")
@example(b"\xff\xd8" + b"\xff" * 50)
@example(b"\xff\xd8\xff\xc0\x00\x02\xff\xda\x00\x02")
@example(b"RIFF\x04\0\0\0WEBP")
@example(b"\0\0\0\x08ftyp")
@example(b"BM" + bytes(12))
def test_bytes_that_are_no_image(data: bytes) -> None:
    with pytest.raises(ImageError):
        read(data)


@settings(max_examples=300, derandomize=True, deadline=None)
@given(
    kind=st.sampled_from([kind for kind in KINDS if "tiff" not in kind]),
    changes=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=6),
    near_start=st.booleans(),
)
def test_a_damaged_file_raises_nothing_but_image_errors(
    kind: str, changes: list[tuple[float, int]], near_start: bool
) -> None:
    data = bytearray(intact_files()[kind])
    reach = min(120, len(data)) if near_start else len(data)
    for place, value in changes:
        data[int(place * (reach - 1))] = value
    try:
        outcome = attempt(bytes(data))
    except MissingExtra:  # four letters of an AVIF changed make it a HEIC
        return
    if isinstance(outcome, Picture):
        assert outcome.pixels.shape[2:] == (3,)
        assert outcome.pixels.dtype == np.uint8


@settings(max_examples=60, derandomize=True, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=4))
def test_a_tiff_with_a_damaged_directory(changes: list[tuple[float, int]]) -> None:
    data = bytearray(tiff(photo(9, 7), photometric=2))
    start = struct.unpack_from("<I", data, 4)[0]
    for place, value in changes:
        data[start + int(place * (len(data) - start - 1))] = value
    outcome = attempt(bytes(data))
    if isinstance(outcome, Picture):
        assert outcome.pixels.size <= 3 * 4_000_000
    else:
        assert outcome.what.startswith("the given bytes: ")


@pytest.mark.parametrize(
    ("data", "error", "said"),
    [
        (b"", NotAnImage, r"it is empty \(0 bytes\)"),
        (bytes(999), NotAnImage, "its 999 bytes are all zero"),
        (b"<html>\n<body>404 Not Found</body>", NotAnImage, "it is text, not an image: '<html> <b"),
        ("Ünïcödé, nicht nur ASCII".encode(), NotAnImage, "it is text"),
        (b"%PDF-1.7\n\x80\x81\x82\x83 obj", NotAnImage, "begin with 25 50 44 46 2d 31 2e 37"),
        (flat_jpeg(frame=0xC3), NotAnImage, "lossless or hierarchical"),
        (flat_jpeg(precision=12), NotAnImage, "12 bits a sample"),
        (flat_jpeg(sampling=(0x11, 0x11)), NotAnImage, "2 components"),
        (flat_jpeg(height=0), BrokenImage, "it is 16×0 px"),
        (flat_jpeg(sampling=(0x10, 0x11, 0x11)), BrokenImage, "damaged|px"),
    ],
)
def test_the_reason_says_what_it_is(data: bytes, error: type[ImageError], said: str) -> None:
    with pytest.raises(error, match=said) as caught:
        read(data)
    assert str(caught.value).startswith("the given bytes: ")


def bombs() -> dict[str, bytes]:
    """A few bytes each that claim a huge image."""
    side = 100_000
    png_header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    one_pixel = tiff(np.zeros((1, 1, 1), np.uint8), photometric=1)
    width, height = struct.pack("<HHII", 256, 4, 1, 1), struct.pack("<HHII", 257, 4, 1, 1)
    bmp = bytearray(encode(photo(2, 2), "BMP"))
    bmp[18:26] = struct.pack("<ii", side, side)
    lossless = struct.pack("<I", 16382 | 16382 << 14)
    return {
        "png": b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", png_header) + png_chunk(b"IEND", b""),
        "gif": b"GIF89a" + struct.pack("<HH", 65535, 65535) + b"\0\0\0;",
        "bmp": bytes(bmp),
        "tiff": one_pixel.replace(width, struct.pack("<HHII", 256, 4, 1, side)).replace(
            height, struct.pack("<HHII", 257, 4, 1, side)
        ),
        "webp": b"RIFF\x1e\0\0\0WEBPVP8L\x12\0\0\0\x2f" + lossless + bytes(13),
        "extended webp": b"RIFF\x1e\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + b"\xff\xff\xff" * 2,
        "jpeg": flat_jpeg(65500, 65500),
        "progressive jpeg": flat_jpeg(30000, 30000, frame=0xC2),
    }


@pytest.mark.parametrize("kind", bombs())
def test_a_decompression_bomb_is_refused_before_it_costs_memory(kind: str) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(ImageTooLarge, match=r"px \([\d]+ MP\) is over"):
            read(bombs()[kind])
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def test_above_the_limit_the_fix_is_an_option_that_works() -> None:
    data = encode(photo(1000, 1100), "PNG")
    with pytest.raises(ImageTooLarge, match=r"1100×1000 px \(1 MP\) is over .* 0.5 MP") as caught:
        read(data, max_megapixels=0.5)
    option, number = caught.value.fix.split()[1:3]
    assert option == "--max-megapixels"
    assert read(data, max_megapixels=float(number)).width == 1100


@pytest.mark.parametrize(("limit", "scale"), [(1.2, 1), (0.9, 2), (0.27, 4), (0.05, 8)])
def test_a_jpeg_above_the_limit_is_decoded_at_the_largest_scale_that_fits(
    limit: float, scale: int
) -> None:
    picture = read(encode(photo(1000, 1100), "JPEG"), max_megapixels=limit)
    assert picture.scale == scale
    assert picture.pixels.shape[:2] == (-(-1000 // scale), -(-1100 // scale))
    assert (picture.width, picture.height) == (1100, 1000)
    expected = f"decoded at 1/{scale} of its size, being over {limit:g} MP"
    assert picture.notes == ((expected,) if scale > 1 else ())


def test_a_jpeg_too_large_at_any_scale() -> None:
    with pytest.raises(ImageTooLarge):
        read(encode(photo(1000, 1100), "JPEG"), max_megapixels=0.01)


def test_a_progressive_jpeg_is_not_scaled_below_what_it_costs() -> None:
    data = encode(photo(1000, 1100), "JPEG", progressive=True, subsampling=0)
    with pytest.raises(ImageTooLarge, match="--max-megapixels 2"):
        read(data, max_megapixels=1)
    small = encode(photo(1000, 1100), "JPEG", progressive=True, subsampling=2)
    assert read(small, max_megapixels=1).scale == 2  # half the coefficients: it fits


def test_webp_has_a_lower_limit() -> None:
    data = encode(photo(1000, 1000), "WEBP")
    with pytest.raises(ImageTooLarge, match=r"limit of 0\.75 MP .*--max-megapixels 2 "):
        read(data, max_megapixels=1)
    assert read(data, max_megapixels=2).width == 1000


@pytest.mark.parametrize("limit", [0, -1, 1001, float("nan")])
def test_limits_that_make_no_sense(limit: float) -> None:
    with pytest.raises(InputError, match="megapixels"):
        read(b"", max_megapixels=limit)


@pytest.mark.parametrize(("kind", "decoder"), [("JPEG", "jpeg.decode"), ("PNG", "formats.load")])
def test_too_little_memory_is_an_error_of_that_image(
    kind: str, decoder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(f"snellen.images.{decoder}", fail)
    with pytest.raises(ImageTooLarge, match="not enough memory for its pixels"):
        read(encode(photo(), kind))


def test_what_will_be_decoded_is_announced_first() -> None:
    asked: list[int] = []
    read(encode(photo(100, 60), "PNG"), admit=asked.append)
    assert set(asked) == {6000}
    asked.clear()
    read(encode(photo(100, 60), "JPEG"), jpeg_scale=2, admit=asked.append)
    assert asked == [1500]


def test_errors_name_the_file_on_one_line(tmp_path: Path) -> None:
    file = tmp_path / "two\nlines.jpg"
    file.write_text("not an image")
    with pytest.raises(NotAnImage) as caught:
        read(file)
    assert str(caught.value) == (
        f"{tmp_path}/two\\u000alines.jpg: it is text, not an image: 'not an image'. Leave it out."
    )


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(UnreadableImage, match="it is not there"):
        read(tmp_path / "gone.jpg")


def test_a_link_to_nowhere(tmp_path: Path) -> None:
    link = tmp_path / "link.jpg"
    link.symlink_to(tmp_path / "gone.jpg")
    with pytest.raises(UnreadableImage, match="a link to a file that is not there"):
        read(link)


def test_a_folder(tmp_path: Path) -> None:
    with pytest.raises(UnreadableImage, match="it is a folder"):
        read(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes on this system")
def test_a_named_pipe_is_not_waited_for(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.jpg"
    os.mkfifo(pipe)
    with pytest.raises(UnreadableImage, match="it is a named pipe"):
        read(pipe)


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="no sockets in folders on this system")
def test_a_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # a socket's path must be short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("s.jpg")
        with pytest.raises(UnreadableImage, match="it is a socket"):
            read(Path("s.jpg"))


def test_a_device() -> None:
    with pytest.raises(UnreadableImage, match="it is a device"):
        read(Path(os.devnull))


@pytest.mark.skipif(ROOT, reason="the superuser may read everything")
def test_no_permission(tmp_path: Path) -> None:
    file = tmp_path / "mine.jpg"
    file.write_bytes(intact_files()["jpeg"])
    file.chmod(0)
    with pytest.raises(UnreadableImage, match="no permission to read it"):
        read(file)


def test_a_refused_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "mine.jpg"
    file.write_bytes(intact_files()["jpeg"])

    def refuse(self: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(UnreadableImage, match=r"no permission to read it. Change its permissions"):
        read(file)


def test_a_name_that_cannot_be() -> None:
    with pytest.raises(UnreadableImage, match=r"a\\u0000b.jpg: it cannot be read"):
        read(Path("a\0b.jpg"))


def test_a_file_longer_than_any_image_is_not_read(tmp_path: Path) -> None:
    file = tmp_path / "disk.img"
    with file.open("wb") as stream:
        stream.truncate(1 << 40)  # sparse: no disk is used
    with pytest.raises(
        ImageTooLarge, match=r"its 1099.5 GB are more than an image of 100 MP takes"
    ):
        read(file)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is measured in Linux's units")
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
def test_a_hundred_megapixels_fit_into_1200_megabytes(tmp_path: Path, kind: str) -> None:
    make = {
        "JPEG": "simplejpeg.encode_jpeg(numpy.zeros((10000, 10000, 3), 'u1'))",
        "PNG": "image_files.png(numpy.zeros((10000, 10000, 3), 'u1'), bits=8, colour_type=2)",
        "TIFF": "image_files.tiff(numpy.zeros((10000, 10000, 3), 'u1'), photometric=2)",
    }[kind]
    file = tmp_path / "large"
    here = Path(__file__).parent
    write = f"""
import sys, numpy, simplejpeg
sys.path.insert(0, {str(here)!r})
import image_files
open({str(file)!r}, "wb").write({make})
"""
    measure = f"""
import pathlib, resource
from snellen.images import read
picture = read(pathlib.Path({str(file)!r}))
assert picture.pixels.shape == (10000, 10000, 3) and picture.format == {kind!r}
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
    subprocess.run([sys.executable, "-c", write], check=True)
    command = [sys.executable, "-W", "error", "-c", measure]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert int(done.stdout) / 1024 < 1200
    assert done.stderr == ""

"""`read` gives the right pixels for every format and layout, and says what it did."""

from __future__ import annotations

import hashlib
import io
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from image_files import Array, encode, flat_jpeg, photo, png, png_chunk, tiff
from PIL import Image, ImageFile, ImageOps

from snellen.errors import InputError, MissingExtra, NotAnImage
from snellen.images import DecodeBuffer, content_hash, read

SHARED = Path(__file__).parents[2] / ".." / "shared" / "data"


def on_white(colour: Array, alpha: Array) -> Array:
    """Source-over on white, rounded to the nearest level."""
    a = alpha[..., None] / 255
    return np.rint(colour * a + 255 * (1 - a)).astype(np.uint8)


def pillow(data: bytes) -> Array:
    """What Pillow makes of a file, as the oracle."""
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGB"))


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("PNG", {}),
        ("WEBP", {"lossless": True}),
        ("TIFF", {}),
        ("TIFF", {"compression": "tiff_lzw"}),
        ("TIFF", {"compression": "tiff_adobe_deflate"}),
        ("TIFF", {"compression": "packbits"}),
        ("BMP", {}),
    ],
)
def test_lossless_formats_give_the_very_pixels(kind: str, options: dict[str, Any]) -> None:
    pixels = photo()
    picture = read(encode(pixels, kind, **options))
    assert np.array_equal(picture.pixels, pixels)
    assert (picture.format, picture.notes, picture.scale) == (kind, (), 1)
    assert picture.pixels.flags.c_contiguous
    assert picture.pixels.dtype == np.uint8


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0, "quality": 30}])
def test_jpeg_is_decoded_as_pillow_decodes_it(options: dict[str, Any]) -> None:
    data = encode(photo(), "JPEG", **options)
    picture = read(data)
    assert np.array_equal(picture.pixels, pillow(data))
    assert picture.decoder.startswith("simplejpeg ")


@pytest.mark.parametrize(("kind", "quality"), [("WEBP", 90), ("AVIF", 90)])
def test_lossy_formats_are_decoded_as_pillow_decodes_them(kind: str, quality: int) -> None:
    data = encode(photo(), kind, quality=quality)
    picture = read(data)
    assert np.array_equal(picture.pixels, pillow(data))
    assert picture.format == kind
    assert picture.decoder.startswith("pillow ")


def test_what_is_recorded_of_the_file() -> None:
    data = encode(photo(40, 70), "PNG")
    picture = read(data)
    assert picture.hash == content_hash(data) == hashlib.sha256(data).hexdigest()
    assert (picture.width, picture.height, picture.bytes) == (70, 40, len(data))


def test_a_path_and_its_bytes_give_the_same(tmp_path: Path) -> None:
    file = tmp_path / "a.png"
    file.write_bytes(encode(photo(), "PNG"))
    from_path, from_bytes = read(file), read(file.read_bytes())
    assert np.array_equal(from_path.pixels, from_bytes.pixels)
    assert from_path.hash == from_bytes.hash


def test_the_content_decides_and_a_wrong_name_is_noted(tmp_path: Path) -> None:
    file = tmp_path / "photo.JPG"
    file.write_bytes(encode(photo(), "PNG"))
    picture = read(file)
    assert picture.format == "PNG"
    assert picture.notes == ("the content is PNG, the name ends in .jpg",)
    file = file.rename(tmp_path / "photo")
    assert read(file).notes == ()


def test_grey_becomes_three_equal_channels() -> None:
    grey = photo()[..., 1]
    for data in (encode(grey, "PNG"), encode(grey, "TIFF"), encode(grey, "JPEG", quality=100)):
        picture = read(data)
        assert np.abs(picture.pixels.astype(int) - grey[..., None]).max() <= 2
        assert picture.notes == ("grey converted to RGB",)


def test_one_bit_is_black_and_white() -> None:
    image = Image.fromarray(photo()[..., 0] > 99)
    picture = read(encode(image, "PNG"))
    assert np.array_equal(picture.pixels[..., 2], np.where(photo()[..., 0] > 99, 255, 0))


def test_a_palette_is_looked_up() -> None:
    image = Image.fromarray(photo()).quantize(17)
    for kind in ("PNG", "GIF", "BMP"):
        picture = read(encode(image, kind))
        assert np.array_equal(picture.pixels, np.asarray(image.convert("RGB")))
        assert picture.notes == ("palette converted to RGB",)


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
def test_alpha_is_shown_on_white(kind: str) -> None:
    pixels = photo()
    alpha = np.roll(pixels[..., 0], 9, axis=0)
    image = Image.fromarray(np.dstack([pixels, alpha]))
    options = {"lossless": True, "exact": True} if kind == "WEBP" else {}
    picture = read(encode(image, kind, **options))
    error = picture.pixels.astype(int) - on_white(pixels, alpha)
    assert np.abs(error).max() <= 1  # the rounding of .5
    assert picture.notes == ("transparency shown on white",)


def test_grey_with_alpha_is_shown_on_white() -> None:
    grey, alpha = photo()[..., 0], photo()[..., 1]
    picture = read(png(np.dstack([grey, alpha]), bits=8, colour_type=4))
    expected = on_white(np.dstack([grey] * 3), alpha)
    assert np.abs(picture.pixels.astype(int) - expected).max() <= 1


def test_opaque_alpha_changes_nothing() -> None:
    image = Image.fromarray(photo()).convert("RGBA")
    picture = read(encode(image, "PNG"))
    assert np.array_equal(picture.pixels, photo())
    assert picture.notes == ()


def test_transparent_entries_of_a_palette_are_white() -> None:
    image = Image.fromarray(photo()).quantize(8)
    index = np.asarray(image)
    for kind, transparency in (("PNG", bytes([255, 255, 0])), ("GIF", 2)):
        picture = read(encode(image, kind, transparency=transparency))
        assert (picture.pixels[index == 2] == 255).all()
        assert np.array_equal(
            picture.pixels[index != 2], np.asarray(image.convert("RGB"))[index != 2]
        )


def test_a_transparent_grey_of_16_bits_is_white() -> None:
    samples = np.arange(0, 65536, 1024, dtype=np.uint16).reshape(8, 8, 1)
    samples[3, 3] = 4097
    extra = png_chunk(b"tRNS", (4097).to_bytes(2, "big"))
    pixels = read(png(samples, bits=16, colour_type=0, extra=extra)).pixels
    assert pixels[3, 3].tolist() == [255, 255, 255]
    samples[3, 3] = 65535
    assert np.array_equal(pixels[..., 0], samples[..., 0] >> 8)


@pytest.mark.parametrize(("colour_type", "channels"), [(0, 1), (2, 3), (6, 4)])
def test_16_bit_png_is_scaled_not_clipped(colour_type: int, channels: int) -> None:
    samples = np.linspace(0, 65535, 64 * channels).astype(np.uint16).reshape(8, 8, channels)
    if channels == 4:
        samples[..., 3] = 65535
    picture = read(png(samples, bits=16, colour_type=colour_type))
    colours = np.broadcast_to((samples >> 8)[..., : min(channels, 3)], (8, 8, 3))
    assert np.array_equal(picture.pixels, colours)
    assert picture.notes[0] == "16 bits a channel reduced to 8"


@pytest.mark.parametrize(("photometric", "channels"), [(1, 1), (2, 3)])
def test_16_bit_tiff_is_scaled_not_clipped(photometric: int, channels: int) -> None:
    samples = np.linspace(0, 65535, 64 * channels).astype(np.uint16).reshape(8, 8, channels)
    picture = read(tiff(samples, photometric=photometric))
    assert np.array_equal(picture.pixels, np.broadcast_to(samples >> 8, (8, 8, 3)))


def test_floating_point_from_0_to_1_is_scaled() -> None:
    samples = np.linspace(0, 1, 64, dtype=np.float32).reshape(8, 8, 1)
    picture = read(tiff(samples, photometric=1, sample_format=3))
    assert np.array_equal(picture.pixels[..., 0], np.rint(samples[..., 0] * 255))
    assert picture.notes[0] == "floating point 0–1 scaled to 0–255"


@pytest.mark.parametrize(
    ("samples", "sample_format", "said"),
    [
        (np.full((4, 4, 1), 1.5, np.float32), 3, "only 0–1 has a stated white"),
        (np.full((4, 4, 1), np.nan, np.float32), 3, "only 0–1 has a stated white"),
        (np.full((4, 4, 1), 70000, np.int32), 2, "no standard says which is white"),
        (np.full((4, 4, 3), 0.5, np.float32), 3, "not read here"),
    ],
)
def test_numbers_without_a_stated_white_are_refused(
    samples: Array, sample_format: int, said: str
) -> None:
    data = tiff(samples, photometric=1 if samples.shape[2] == 1 else 2, sample_format=sample_format)
    with pytest.raises(NotAnImage, match=said):
        read(data)


@pytest.mark.parametrize("progressive", [False, True])
def test_cmyk_jpeg_as_adobe_writes_it(progressive: bool) -> None:
    image = Image.fromarray(photo()).convert("CMYK")
    data = encode(image, "JPEG", quality=100, progressive=progressive)
    assert b"Adobe" in data[:400]  # stored inverted
    picture = read(data)
    assert np.array_equal(picture.pixels, pillow(data))
    assert np.abs(picture.pixels.astype(int) - photo()).mean() < 2
    assert picture.notes == ("CMYK converted to RGB",)


def test_cmyk_tiff() -> None:
    image = Image.fromarray(photo()).convert("CMYK")
    assert np.array_equal(read(encode(image, "TIFF")).pixels, photo())


def test_lab_tiff_is_converted() -> None:
    lab = Image.merge("LAB", [Image.new("L", (4, 4), value) for value in (255, 128, 128)])
    assert (read(encode(lab, "TIFF")).pixels >= 254).all()


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_the_first_of_several_frames(kind: str) -> None:
    first = Image.fromarray(photo()).quantize(64)
    frames = [first.transpose(Image.Transpose.FLIP_LEFT_RIGHT)]
    options = {"lossless": True} if kind == "WEBP" else {}
    picture = read(encode(first, kind, save_all=True, append_images=frames, **options))
    assert np.array_equal(picture.pixels, np.asarray(first.convert("RGB")))
    assert picture.notes[0] == "the first of several frames or pages"


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_exif_orientation(kind: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[274] = orientation
    data = encode(photo(150, 83), kind, exif=exif)  # more rows than one band of the turning
    picture = read(data)
    with Image.open(io.BytesIO(data)) as image:
        expected = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    assert np.array_equal(picture.pixels, expected)
    assert picture.pixels.flags.c_contiguous
    assert (picture.height, picture.width) == expected.shape[:2]
    assert len(picture.notes) == (orientation > 1)


@pytest.mark.parametrize("scale", [1, 2, 4, 8])
def test_scaled_decode_of_a_jpeg(scale: int) -> None:
    exif = Image.Exif()
    exif[274] = 6
    smooth = Image.fromarray(photo(16, 16)).resize((203, 101), Image.Resampling.BICUBIC)
    picture = read(encode(smooth, "JPEG", quality=95, exif=exif), jpeg_scale=scale)
    assert picture.pixels.shape == (-(-203 // scale), -(-101 // scale), 3)
    assert (picture.width, picture.height, picture.scale) == (101, 203, scale)
    asked = [note for note in picture.notes if "as asked" in note]
    assert asked == ([f"decoded at 1/{scale} of its size, as asked"] if scale > 1 else [])
    full = Image.fromarray(np.rot90(np.asarray(smooth), -1))
    small = np.asarray(full.resize(picture.pixels.shape[1::-1], Image.Resampling.BOX))
    assert np.abs(picture.pixels.astype(int) - small).mean() < 4


def test_scale_leaves_other_formats_at_full_size() -> None:
    assert read(encode(photo(), "PNG"), jpeg_scale=4).scale == 1


def test_a_scale_that_does_not_exist() -> None:
    with pytest.raises(InputError, match="must be 1, 2, 4 or 8, got 3"):
        read(encode(photo(), "JPEG"), jpeg_scale=3)


def test_chroma_sampling_that_only_pillow_takes() -> None:
    picture = read(flat_jpeg(sampling=(0x22, 0x21, 0x12)))
    assert (picture.pixels == 128).all()
    assert picture.decoder.startswith("pillow ")
    assert picture.notes == ("unusual chroma sampling: decoded by Pillow, at full size",)


def test_a_buffer_is_reused_and_gives_the_same() -> None:
    buffer = DecodeBuffer()
    large, small = encode(photo(90, 120), "JPEG"), encode(photo(30, 50), "JPEG")
    first = read(large, buffer=buffer)
    assert np.array_equal(first.pixels, read(large).pixels)
    second = read(small, buffer=buffer)
    assert np.array_equal(second.pixels, read(small).pixels)
    assert np.shares_memory(first.pixels, second.pixels)
    assert not np.shares_memory(read(small).pixels, read(small).pixels)


def test_threads_read_side_by_side() -> None:
    files = [encode(photo(50 + i, 60), kind) for i in range(4) for kind in ("JPEG", "PNG", "AVIF")]
    files += [encode(Image.fromarray(photo()).convert("CMYK"), "JPEG"), encode(photo(), "TIFF")]
    expected = [read(data).pixels for data in files]
    with ThreadPoolExecutor(8) as pool:
        for _ in range(3):
            got = list(pool.map(lambda data: read(data).pixels, files))
            assert all(map(np.array_equal, got, expected))


def test_pillow_s_settings_are_left_alone() -> None:
    before = Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES
    read(encode(photo(), "TIFF"))
    assert before == (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES)


def test_a_process_that_accepts_truncated_images_is_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    assert "accept truncated images" in read(encode(photo(), "BMP")).notes[-1]


def test_heic_is_read_with_its_extra() -> None:
    pillow_heif = pytest.importorskip("pillow_heif", reason="the extra snellen[heic] is missing")
    file = io.BytesIO()
    pillow_heif.from_pillow(Image.fromarray(photo(64, 96))).save(file, quality=-1, chroma=444)
    picture = read(file.getvalue())
    assert (picture.format, picture.width, picture.height) == ("HEIC", 96, 64)
    assert np.abs(picture.pixels.astype(int) - photo(64, 96)).mean() < 2


def test_heic_without_its_extra_names_the_fix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    heic = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(range(1, 200))
    with pytest.raises(MissingExtra, match=r"pip install 'snellen\[heic\]'"):
        read(heic)


@pytest.mark.parametrize("folder", ["pristine/kodak", "photos/imagenet-sample", "rated/avt-ai"])
def test_real_photos_are_decoded_as_pillow_decodes_them(folder: str) -> None:
    files = sorted(p for p in (SHARED / folder).rglob("*") if p.suffix in {".jpg", ".JPEG", ".png"})
    if not files:
        pytest.skip(f"the development data {folder} is not here")
    for file in files[:: len(files) // 6 or 1]:
        assert np.array_equal(read(file).pixels, pillow(file.read_bytes()))

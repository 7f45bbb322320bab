"""The tokenizer in plain Python: golden values, and number by number beside the library's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snellen.errors import JudgeError
from snellen.judges import built_in
from snellen.judges.word_tokenizer import WordTokenizer, words

FILE = built_in.FOLDER / "built-in" / "tokenizer.json"
TOKENIZER = WordTokenizer(FILE)


def tokens(text: str) -> list[str]:
    return [TOKENIZER.decode([number]) for number in TOKENIZER(text)["input_ids"]]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", []),
        (" \n\t ", []),
        ("Rate the QUALITY", ["rate", "the", "quality"]),
        ("good,poor(or so)?", ["good", ",", "poor", "(", "or", "s", "o", ")", "?"]),
        ("<user>Good<image></img>", ["<user>", "good", "<image>", "</img>"]),
        ("<USER>", ["<", "u", "s", "e", "r", ">"]),  # marks are as they are written
        ("don't", ["d", "o", "n", "'", "t"]),
        ("é", ["Ã", "©"]),
        ("a b", ["a", "b"]),
    ],
)
def test_words_marks_and_bytes(text: str, found: list[str]) -> None:
    assert tokens(text) == found


def test_white_space_is_unicodes_and_letters_are_made_small_one_by_one() -> None:
    assert list(words("A\u3000b\x1cc ΟΔΟΣ")) == ["a", "b\x1cc", "οδοσ"]
    assert list(words("“x”$+")) == ["“", "x", "”", "$", "+"]


def test_every_byte_can_be_written() -> None:
    every = "".join(chr(code) for code in (*range(0x21, 0x180), 0x4E00, 0x1F600))
    assert TOKENIZER.unk_token_id not in TOKENIZER(every)["input_ids"]


def test_another_kind_of_tokenizer_is_refused(tmp_path: Path) -> None:
    told = json.loads(FILE.read_bytes())
    told["model"]["merges"] = [["a", "b"]]
    (tmp_path / "tokenizer.json").write_text(json.dumps(told))
    with pytest.raises(JudgeError, match="another kind"):
        WordTokenizer(tmp_path / "tokenizer.json")


@pytest.mark.torch  # the library comes with transformers
def test_numbers_are_those_of_the_library() -> None:
    library = pytest.importorskip("tokenizers").Tokenizer.from_file(str(FILE))
    known = [word for word in library.get_vocab() if word.isascii()]
    pieces = st.one_of(st.sampled_from([*known, *(w.upper() for w in known)]), st.text(max_size=6))

    @settings(max_examples=400, deadline=None)
    @given(st.lists(st.one_of(pieces, st.sampled_from([" ", "\n", "\xa0", "。", "’"]))))
    def same(parts: list[str]) -> None:
        text = "".join(parts)
        assert TOKENIZER(text)["input_ids"] == library.encode(text, add_special_tokens=False).ids

    same()

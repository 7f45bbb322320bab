"""llama.cpp's own server over the files of `gguf_model.py`, until it is ended.

    python llama_program.py FOLDER PORT

Run by the interpreter of `.venv-llama`, which has llama.cpp as the package `xllamacpp`. Keys and
values stay in float32, as transformers keeps them.
"""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import xllamacpp

FLOAT32 = 0  # of ggml_type


def main(folder: Path, port: int) -> None:
    given = xllamacpp.CommonParams()
    given.model.path = str(folder / "text.gguf")
    given.mmproj.path = str(folder / "eyes.gguf")
    given.model_alias = {"tiny"}
    given.hostnames, given.port = ["127.0.0.1"], port
    given.n_ctx, given.n_parallel = 4096, 2
    given.cache_type_k = given.cache_type_v = FLOAT32
    given.flash_attn_type = 0
    given.cpuparams.n_threads = given.cpuparams_batch.n_threads = 1
    server = xllamacpp.Server(given)
    print(server.listening_address, flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))

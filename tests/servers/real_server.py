"""Real servers on this machine's CPU, in the environments that `make test-servers` builds: vLLM,
llama.cpp and llama-cpp-python."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv-servers" / "bin" / "python"
LLAMA = ROOT / ".venv-llama" / "bin" / "python"
LLAMA_PYTHON = ROOT / ".venv-llama-python" / "bin" / "python"
_FLOAT32 = "0"  # of ggml_type: keys and values as transformers keeps them
PATIENCE = 1800  # seconds; a minute on an idle machine, far more on a busy one

_ENVIRONMENT = {
    "PYTHONPATH": str(Path(__file__).parent / "site"),
    "HF_HUB_OFFLINE": "1",
    "VLLM_NO_USAGE_STATS": "1",
    "DO_NOT_TRACK": "1",
    "OMP_NUM_THREADS": "1",
    "VLLM_CPU_KVCACHE_SPACE": "1",  # GB
    # Without a compiler's work in the first request, which a busy machine does not do in time.
    "TORCHDYNAMO_DISABLE": "1",
    "VLLM_EXECUTE_MODEL_TIMEOUT_SECONDS": str(PATIENCE),
}


@contextmanager
def vllm(checkpoint: Path, folder: Path) -> Iterator[str]:
    """vLLM serving `checkpoint` as "tiny" in float32; gives the URL with /v1.

    folder : for what it prints. Raises `RuntimeError` with its last lines where it ends early.
    """
    port = _free_port()
    command = [
        str(PYTHON), "-m", "vllm.entrypoints.openai.api_server", "--model", str(checkpoint),
        "--served-model-name", "tiny", "--host", "127.0.0.1", "--port", str(port),
        "--dtype", "float32", "--max-model-len", "2048", "--max-num-seqs", "4", "--enforce-eager",
    ]  # fmt: skip
    with _serving(command, port, folder / "log.txt"):
        yield f"http://127.0.0.1:{port}/v1"


@contextmanager
def llama(checkpoint: Path, folder: Path) -> Iterator[str]:
    """llama.cpp's own server over `checkpoint` as "tiny" in float32; gives the URL with /v1.

    folder : for its files and what it prints. Raises `RuntimeError` as `vllm` does.
    """
    here, port = Path(__file__).parent, _free_port()
    _write_gguf(LLAMA, checkpoint, folder)
    command = [str(LLAMA), str(here / "llama_program.py"), str(folder), str(port)]
    with _serving(command, port, folder / "log.txt"):
        yield f"http://127.0.0.1:{port}/v1"


@contextmanager
def llama_python(checkpoint: Path, folder: Path) -> Iterator[str]:
    """The server of llama-cpp-python over the language model of `checkpoint`, as `llama`: it is
    given no eyes, as its forms of a chat with images are fixed and not the checkpoint's own."""
    port = _free_port()
    _write_gguf(LLAMA_PYTHON, checkpoint, folder)
    command = [
        str(LLAMA_PYTHON), "-m", "llama_cpp.server", "--model", str(folder / "text.gguf"),
        "--model_alias", "tiny", "--host", "127.0.0.1", "--port", str(port),
        "--logits_all", "true", "--n_ctx", "4096", "--n_threads", "1",
        "--type_k", _FLOAT32, "--type_v", _FLOAT32,
    ]  # fmt: skip
    with _serving(command, port, folder / "log.txt"):
        yield f"http://127.0.0.1:{port}/v1"


def _write_gguf(python: Path, checkpoint: Path, folder: Path) -> None:
    program = Path(__file__).parent / "gguf_model.py"
    subprocess.run([str(python), str(program), str(checkpoint), str(folder)], check=True)


@contextmanager
def _serving(command: Sequence[str], port: int, log: Path) -> Iterator[None]:
    """The program while it serves; its whole group of processes is ended after."""
    with log.open("wb") as file:
        process = subprocess.Popen(
            command,
            stdout=file,
            stderr=subprocess.STDOUT,
            env={**os.environ, **_ENVIRONMENT},
            start_new_session=True,
        )
        try:
            _wait_for(f"http://127.0.0.1:{port}/v1/models", process, log)
            yield
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(30)


def _wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if process.poll() is not None:
            lines = log.read_text("utf-8", "replace").splitlines()[-20:]
            raise RuntimeError("the server ended:\n" + "\n".join(lines))
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(1)
    raise RuntimeError(f"the server is not ready after {PATIENCE} s; see {log}")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port

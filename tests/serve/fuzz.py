"""The service against its own OpenAPI: schemathesis sends what fits it and what does not.

    python -m tests.serve.fuzz            (`make test-serve`)

No reply may be a 5xx, and each must be one that the schema knows.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance"
_EXAMPLES = 40  # a route


def main() -> int:
    """The exit status of schemathesis."""
    sys.path.insert(0, str(Path(__file__).parent))
    from service import program

    with program("--with", "built-in") as (address, _):
        command = [
            *(sys.executable, "-m", "schemathesis.cli", "run", f"{address}/openapi.json"),
            *("--checks", _CHECKS, "--max-examples", str(_EXAMPLES), "--seed", "1"),
        ]
        return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())

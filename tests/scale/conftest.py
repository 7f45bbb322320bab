"""A cluster of Ray on this machine."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from deadly import POISON


def _machine() -> dict[str, Any]:
    """A machine of one core. Its ports are given, as Ray waits only so long for its own choice:
    too short where all cores are busy."""
    ports = (
        "metrics_agent_port",
        "metrics_export_port",
        "dashboard_agent_listen_port",
        "runtime_env_agent_port",
    )
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in ports]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        free = [one.getsockname()[1] for one in sockets]
    return {
        "num_cpus": 1,
        "object_store_memory": 80_000_000,
        **dict(zip(ports, free, strict=True)),
    }


@pytest.fixture(scope="module")
def machines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Two machines of one core each, as two processes of Ray; the second may be lost."""
    import ray
    from ray.cluster_utils import Cluster as Machines

    here = str(Path(__file__).parent)
    os.environ["PYTHONPATH"] = os.pathsep.join((here, *filter(None, sys.path)))
    os.environ[POISON] = str(tmp_path_factory.mktemp("poison") / "hash")
    head = {**_machine(), "include_dashboard": False}
    machines = Machines(initialize_head=True, head_node_args=head)
    machines.add_node(**_machine())
    ray.init(address=machines.address, log_to_driver=False, logging_level="ERROR")
    yield machines
    ray.shutdown()
    machines.shutdown()

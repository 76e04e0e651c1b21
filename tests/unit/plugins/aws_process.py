"""The laboratory's AWS in a process of its own, because moto keeps its state per process.

Writes where it is as one line of JSON, and ends when its standard input ends.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from lab.aws import AwsEndpoint
from lab.certificates import Authority
from lab.programs import ensure
from lab.settings import Settings

TRANSITION_SECONDS = 0.1


class NoKubernetes:
    """The modules under test never talk to the cluster, only about it."""

    server = "https://127.0.0.1:6443"

    def __init__(self, authority: Path) -> None:
        self.authority = authority

    def jwks(self) -> dict[str, Any]:
        return {"keys": []}


def main() -> None:
    state = Path(sys.argv[1])
    settings = Settings(state=state, transition_seconds=TRANSITION_SECONDS)
    authority = Authority.create(state / "certificates")
    postgres = ensure(lambda line: print(line, file=sys.stderr)).postgres
    endpoint = AwsEndpoint(settings, authority, postgres, NoKubernetes(authority.certificate))
    try:
        endpoint.start()
        key, secret = endpoint.credentials
        where = {"url": endpoint.url, "key": key, "secret": secret, "authority": str(authority.certificate)}
        where["state"] = str(state)
        print(json.dumps(where), flush=True)
        sys.stdin.read()
    finally:
        endpoint.stop()


if __name__ == "__main__":
    main()

"""The daemon with parts that only start a process each; FAKE_FAULT names one that fails or hangs."""

from __future__ import annotations

import os
import sys
import threading
import types
from pathlib import Path

from lab.processes import Process
from lab.settings import Settings
from lab.supervisor import main

STATE = Settings.from_environment().state


class Part:
    """Stands for every part; has what the daemon asks of any of them."""

    url = "http://127.0.0.1:1"
    server = "https://127.0.0.1:2"
    kubeconfig = STATE / "kubeconfig"
    credentials = ("AKIAFAKE", "fake-secret")

    def __init__(self, name: str) -> None:
        self.name = name

    def start(self) -> None:
        args = ["sleep", "600"]
        self.process = Process.start(
            self.name, args, log=STATE / "logs" / f"{self.name}.log", env=dict(os.environ)
        )
        if os.environ.get("FAKE_FAULT") == f"{self.name} fails":
            raise RuntimeError(f"{self.name} is broken")
        if os.environ.get("FAKE_FAULT") == f"{self.name} hangs":
            threading.Event().wait()

    def stop(self) -> None:
        self.process.stop()
        with Path(os.environ["FAKE_STOPPED"]).open("a") as file:
            file.write(f"{self.name}\n")

    def addresses(self) -> dict[str, object]:
        return {"prometheus": "http://127.0.0.1:3"}


def module(name: str, **content: object) -> None:
    fake = types.ModuleType(name)
    vars(fake).update(content)
    sys.modules[name] = fake


module("lab.kubernetes", open_kubernetes=lambda *given: Part("kubernetes"))
module("lab.aws", AwsEndpoint=lambda *given: Part("aws"))
module("lab.standins", Standins=lambda *given: Part("stand-ins"))
code = main()
sys.stdout.flush()
os._exit(code)

"""The command line: python -m lab up|status|down|programs."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys

from lab.commands import Progress, StartError, down, get_programs, up
from lab.network.private import NamespaceError
from lab.programs import ProgramsError
from lab.settings import Settings
from lab.state import StateError
from lab.status import gather, render

DESCRIPTION = "The laboratory: AWS, Kubernetes, PostgreSQL, exporter and Prometheus on this machine."
EPILOG = """\
environment:
  LAB_STATE               state directory of a further laboratory (default: one a checkout, linked as .lab)
  LAB_KUBERNETES          embedded (default), control-plane or kubeconfig
  LAB_KUBERNETES_VERSION, LAB_EXTERNAL_SECRETS_VERSION  versions of a control plane (default: the newest)
  LAB_CONTEXT             context of the kubeconfig
  KUBEBUILDER_ASSETS      folder with programs of a control plane that need not be built
  LAB_TRANSITION_SECONDS  how long clusters stay in creating, modifying and deleting (default 0.3)
  LAB_POSTGRES, LAB_EXPORTER, LAB_PROMETHEUS, LAB_PROMTOOL  the program to use instead of searching
  LAB_CACHE               where fetched programs are kept
"""


def main(arguments: list[str]) -> int:
    """Run one command; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m lab",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="up|status|down|programs")
    commands.add_parser("up", help="start it, or say that it runs")
    status = commands.add_parser(
        "status", help="show what runs where; exit code 0 running, 1 crashed, 3 not running"
    )
    status.add_argument("--json", action="store_true", help="for programs")
    commands.add_parser("down", help="stop it and remove everything that it made")
    programs = commands.add_parser("programs", help="have all programs of every pinned control plane")
    programs.add_argument("program", nargs="?", choices=["yace"], help="have only this one")
    chosen = parser.parse_args(arguments)
    # A reader that has seen enough (head) ends this command, not with a traceback.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    try:
        return _run(chosen)
    except (NamespaceError, ProgramsError, StartError, StateError, ValueError) as error:
        print(f"lab {chosen.command}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"lab {chosen.command}: interrupted", file=sys.stderr)
        return 130


def _run(chosen: argparse.Namespace) -> int:
    settings = Settings.from_environment()
    # Nobody else has to read what a laboratory writes.
    os.umask(0o077)
    if chosen.command == "programs":
        get_programs(Progress(), chosen.program)
        return 0
    if chosen.command == "up":
        up(settings, Progress())
    if chosen.command == "down":
        down(settings, Progress())
        return 0
    report, code = gather(settings)
    print(json.dumps(report, indent=2) if getattr(chosen, "json", False) else render(report))
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Stands in for helm: keeps one release, which makes and removes the definitions of External Secrets.

Knows what kubernetes.core.helm asks for, and no more. The definitions are in definitions.json beside it.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import yaml
from kubernetes import client, config


def main(directory: Path, arguments: list[str]) -> None:
    with (directory / "calls").open("a") as log:
        log.write(" ".join(arguments) + "\n")
    release = directory / "release.json"
    flags = dict(one.split("=", 1) for one in arguments if one.startswith("-") and "=" in one)
    version = flags.get("--version")
    match [one for one in arguments if not one.startswith("-")]:
        case ["version"]:
            print('version.BuildInfo{Version:"v3.18.4", GitCommit:"", GitTreeState:"clean", GoVersion:""}')
        case ["plugin", "list"]:
            print("NAME\tVERSION\tDESCRIPTION")
        case ["list", _name]:
            print(json.dumps([json.loads(release.read_text())] if release.exists() else []))
        case ["get", "values", _name]:
            print(json.dumps(json.loads(release.read_text())["values"]))
        case ["show", "chart", chart]:
            print(json.dumps({"name": chart, "version": version, "appVersion": version}))
        case ["upgrade", _timeout, name, chart]:
            for definition in json.loads((directory / "definitions.json").read_text()):
                extensions().create_custom_resource_definition(definition)
            values = yaml.safe_load(Path(flags["-f"]).read_text())
            known = {
                "name": name,
                "status": "deployed",
                "chart": f"{chart}-{version}",
                "app_version": version,
            }
            release.write_text(json.dumps({**known, "values": values}))
        case ["uninstall", _timeout, _name]:
            for definition in json.loads((directory / "definitions.json").read_text()):
                extensions().delete_custom_resource_definition(definition["metadata"]["name"])
            release.unlink()
        case unknown:
            sys.exit(f"This helm does not know {unknown}")


def extensions() -> client.ApiextensionsV1Api:
    return client.ApiextensionsV1Api(config.new_client_from_config())


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])

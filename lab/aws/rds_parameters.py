"""Parameters of Aurora PostgreSQL: the engine's list, and what a group makes of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.aws.faults import fault, invalid_combination, invalid_value

#: Aurora's default, which stands in the list of parameters as this text.
MAX_CONNECTIONS_FORMULA = "LEAST({DBInstanceClassMemory/9531392},5000)"
_PAGE = 100
_TABLE = Path(__file__).with_name("rds_parameters.txt")


@dataclass(frozen=True)
class Parameter:
    """A line of the engine's list of cluster parameters."""

    name: str
    default: str | None
    data_type: str
    allowed: str
    static: bool
    description: str

    def describe(self) -> dict[str, Any]:
        """As DescribeDBClusterParameters answers it."""
        answer = {
            "ParameterName": self.name,
            "Description": self.description,
            "Source": "engine-default",
            "ApplyType": "static" if self.static else "dynamic",
            "DataType": self.data_type,
            "AllowedValues": self.allowed,
            "IsModifiable": True,
            "ApplyMethod": "pending-reboot",
            "SupportedEngineModes": ["provisioned"],
        }
        return answer if self.default is None else {**answer, "ParameterValue": self.default}


def catalogue(major: str) -> dict[str, Parameter]:
    """The engine's parameters of PostgreSQL `major`, by name."""
    # TLS is required by default from 17 on.
    table = _TABLE.read_text(encoding="utf-8")
    table = table.replace("{max_connections}", MAX_CONNECTIONS_FORMULA)
    table = table.replace("{force_ssl}", "1" if int(major) >= 17 else "0")
    parameters = {}
    for line in table.splitlines()[1:]:
        name, default, data_type, allowed, apply_type, description = line.split(" | ", 5)
        parameters[name] = Parameter(
            name,
            None if default == "-" else default,
            data_type,
            "" if allowed == "-" else allowed,
            apply_type == "static",
            description,
        )
    return parameters


def describe(engine: Mapping[str, Parameter], own: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """All parameters of a group whose changed ones are `own` (name to entry of the modify call)."""
    return [
        {**parameter.describe(), **({**own[name], "Source": "user"} if name in own else {})}
        for name, parameter in sorted(engine.items())
    ]


def page(parameters: list[dict[str, Any]], marker: str | None, size: int | None) -> dict[str, Any]:
    """One page of the list, as AWS cuts it."""
    start, size = int(marker or 0), size or _PAGE
    answer: dict[str, Any] = {"Parameters": parameters[start : start + size]}
    return {**answer, "Marker": str(start + size)} if start + size < len(parameters) else answer


def check_change(engine: Mapping[str, Parameter], change: Mapping[str, Any]) -> None:
    """Raise AWS's error unless `change` (an entry of ModifyDBClusterParameterGroup) is legal."""
    name, value = change["ParameterName"], change.get("ParameterValue", "")
    parameter = engine.get(name)
    if parameter is None:
        raise invalid_value(f"Could not find parameter with name: {name}")
    if parameter.static and change.get("ApplyMethod") == "immediate":
        raise invalid_combination("cannot use immediate apply method for static parameter")
    if not _is_allowed(parameter, value):
        raise fault(
            "InvalidParameterValue",
            f"Invalid parameter value: {value} for: {name} allowed values are: {parameter.allowed}",
        )


def _is_allowed(parameter: Parameter, value: str) -> bool:
    if parameter.data_type in ("integer", "float"):
        if "{" in value:
            return parameter.name == "max_connections"
        return _is_between(value, parameter)
    choices = {choice.lower() for choice in parameter.allowed.split(",") if choice}
    values = value.split(",") if parameter.data_type == "list" else [value]
    return not choices or all(one.strip().lower() in choices for one in values)


def _is_between(value: str, parameter: Parameter) -> bool:
    span = re.fullmatch(r"(-?[0-9.]+)-([0-9.e+]+)", parameter.allowed)
    try:
        number = float(value) if parameter.data_type == "float" else int(value)
    except ValueError:
        return False
    return span is not None and float(span[1]) <= number <= float(span[2])


def settings(
    engine: Mapping[str, Parameter], own: Mapping[str, Mapping[str, Any]], connections: int
) -> dict[str, str]:
    """What the server should run with; `connections` is the value of the default formula."""
    values = {name: p.default for name, p in engine.items() if p.default is not None}
    values.update({name: str(change["ParameterValue"]) for name, change in own.items()})
    if "{" in values["max_connections"]:
        values["max_connections"] = str(connections)
    return values


def applied_now(
    engine: Mapping[str, Parameter],
    own: Mapping[str, Mapping[str, Any]],
    wanted: Mapping[str, str],
    in_force: Mapping[str, str],
) -> dict[str, str]:
    """`in_force` after what may change in a running server has changed to `wanted`."""

    def waits(name: str) -> bool:
        parameter = engine.get(name)
        static = parameter is None or parameter.static
        return static or (name in own and own[name].get("ApplyMethod") == "pending-reboot")

    after = {name: value for name, value in in_force.items() if waits(name) or name in wanted}
    after.update({name: value for name, value in wanted.items() if not waits(name)})
    return after

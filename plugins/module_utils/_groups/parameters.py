# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make a cluster parameter group what the task asks for, or see what that would do."""

from __future__ import annotations

import dataclasses
import difflib
import typing as t
from collections.abc import Iterable, Mapping

from .. import _tags
from .._changes import Changes
from . import api
from .api import GroupError
from .subnets import retag

if t.TYPE_CHECKING:
    from mypy_boto3_rds.client import RDSClient

# AWS takes no more in one request.
AT_ONCE = 20
TRUTHS = {"1": "1", "on": "1", "true": "1", "yes": "1", "0": "0", "off": "0", "false": "0", "no": "0"}


@dataclasses.dataclass(frozen=True)
class Parameter:
    """A parameter of a group, and what AWS says of it."""

    name: str
    value: str | None
    chosen: bool
    """Whether somebody has set it."""
    static: bool
    """Whether the engine reads it only at start."""
    data_type: str
    modifiable: bool

    @classmethod
    def from_answer(cls, answer: api.Answer) -> Parameter:
        return cls(
            name=answer["ParameterName"],
            value=answer.get("ParameterValue"),
            chosen=answer.get("Source") == "user",
            static=answer.get("ApplyType") == "static",
            data_type=answer.get("DataType", "string"),
            modifiable=answer.get("IsModifiable", True),
        )

    @property
    def items(self) -> list[str]:
        """Of a list."""
        return _items(self.value or "")

    def request(self, value: str | None = None) -> dict[str, str]:
        """An entry of a request; without a value, of a reset."""
        entry = {"ParameterName": self.name, "ApplyMethod": "pending-reboot" if self.static else "immediate"}
        return entry if value is None else {**entry, "ParameterValue": value}


@dataclasses.dataclass(frozen=True)
class ParameterGroupWish:
    """What the task says; a parameter of None goes back to the engine's default."""

    name: str
    family: str | None = None
    description: str | None = None
    parameters: Mapping[str, t.Any] = dataclasses.field(default_factory=dict)
    tags: Mapping[str, str] | None = None
    purge_tags: bool = True


@dataclasses.dataclass(frozen=True)
class ParametersPlan:
    """Parameters to set and to reset, and the same for people."""

    set: Mapping[str, str]
    reset: tuple[str, ...]
    changes: Changes
    static: tuple[str, ...]
    """Names of those that wait for a reboot."""


def plan_parameters(wish: ParameterGroupWish, parameters: Mapping[str, Parameter]) -> ParametersPlan:
    """What differs. Items are added to a list, and those that are there stay.

    Raises GroupError for a parameter that the engine does not have, or does not let anybody set.
    """
    _refuse_unknown(wish, parameters)
    setting: dict[str, str] = {}
    resetting: list[str] = []
    changes: Changes = {}
    for name, value in wish.parameters.items():
        parameter = parameters[name]
        if value is None:
            if parameter.chosen:
                resetting.append(name)
                changes[name] = (parameter.value, "(the engine's default)")
            continue
        wanted = _wanted(parameter, value)
        if not _same(parameter, wanted):
            setting[name] = wanted
            changes[name] = (parameter.value, wanted)
    static = tuple(name for name in changes if parameters[name].static)
    return ParametersPlan(setting, tuple(resetting), changes, static)


def _refuse_unknown(wish: ParameterGroupWish, parameters: Mapping[str, Parameter]) -> None:
    for name in wish.parameters:
        if name not in parameters:
            near = difflib.get_close_matches(name, parameters, 3)
            hint = f" Did you mean {', '.join(near)}?" if near else ""
            raise GroupError(
                f"Could not set {name} in cluster parameter group {wish.name}: the engine has no parameter of"
                f" this name.{hint}"
            )
        if not parameters[name].modifiable:
            raise GroupError(
                f"Could not set {name} in cluster parameter group {wish.name}: AWS lets nobody change it"
            )


def _wanted(parameter: Parameter, value: t.Any) -> str:
    """A value of the task as AWS writes it."""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, (list, tuple)):
        value = ",".join(str(item) for item in value)
    if parameter.data_type == "list":
        return ",".join(dict.fromkeys([*parameter.items, *_items(str(value))]))
    return str(value)


def _items(text: str) -> list[str]:
    return [item.strip() for item in text.split(",") if item.strip()]


def _same(parameter: Parameter, wanted: str) -> bool:
    current = parameter.value
    if current is None:
        return False
    if parameter.data_type == "list":
        return parameter.items == _items(wanted)
    if parameter.data_type == "boolean":
        return TRUTHS.get(current.lower(), current) == TRUTHS.get(wanted.lower(), wanted)
    try:
        return current == wanted or float(current) == float(wanted)
    except ValueError:
        return False


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What changed, or would, and which parameters of the task then wait for a reboot."""

    changes: Changes
    parameters: dict[str, str | None]
    static: tuple[str, ...]


def ensure_present(client: RDSClient, wish: ParameterGroupWish, *, dry_run: bool) -> Outcome:
    """Create or change the group."""
    group = api.describe_parameter_group(client, wish.name)
    if group is None and not (wish.family and wish.description):
        raise GroupError(
            f"There is no cluster parameter group {wish.name}, and a new one needs family and description"
        )
    _refuse_family(wish, group)
    parameters = _parameters(client, wish, group)
    step = plan_parameters(wish, parameters)
    changes: Changes = {} if group else {"family": (None, wish.family)}
    changes |= step.changes | _tag_changes(client, wish, group)
    if not dry_run and changes:
        if group is None:
            api.create_parameter_group(
                client, wish.name, str(wish.family), str(wish.description), wish.tags or {}
            )
        else:
            retag(client, str(group["DBClusterParameterGroupArn"]), changes)
        _apply(client, wish.name, step, parameters)
    after = {name: step.set.get(name, parameters[name].value) for name in wish.parameters}
    after |= dict.fromkeys(step.reset)
    return Outcome(changes, after, step.static)


def ensure_absent(client: RDSClient, name: str, *, dry_run: bool) -> Changes:
    """Delete the group. Gone already is fine."""
    if api.describe_parameter_group(client, name) is None:
        return {}
    if not dry_run:
        api.delete_parameter_group(client, name)
    return {"name": (name, None)}


def _refuse_family(wish: ParameterGroupWish, group: api.Answer | None) -> None:
    family = group["DBParameterGroupFamily"] if group else wish.family
    if wish.family is not None and family != wish.family:
        raise GroupError(
            f"Could not change cluster parameter group {wish.name}: its family is {family}, not"
            f" {wish.family}. AWS fixes this at creation: choose another name for the new family"
        )


def _parameters(
    client: RDSClient, wish: ParameterGroupWish, group: api.Answer | None
) -> dict[str, Parameter]:
    if not wish.parameters:
        return {}
    if group is None:
        answers = api.describe_default_parameters(client, str(wish.family))
    else:
        answers = api.describe_parameters(client, wish.name)
    return {answer["ParameterName"]: Parameter.from_answer(answer) for answer in answers}


def _tag_changes(client: RDSClient, wish: ParameterGroupWish, group: api.Answer | None) -> Changes:
    if wish.tags is None:
        return {}
    if group is None:
        return {"tags": (None, dict(wish.tags))} if wish.tags else {}
    before = api.list_tags(client, str(group["DBClusterParameterGroupArn"]))
    wanted = _tags.after(before, wish.tags, purge=wish.purge_tags)
    return {"tags": (before, wanted)} if wanted != before else {}


def _apply(client: RDSClient, name: str, step: ParametersPlan, parameters: Mapping[str, Parameter]) -> None:
    for names in _portions(step.set):
        api.modify_parameters(client, name, [parameters[each].request(step.set[each]) for each in names])
    for names in _portions(step.reset):
        api.reset_parameters(client, name, [parameters[each].request() for each in names])


def _portions(names: Iterable[str]) -> Iterable[list[str]]:
    everything = list(names)
    for begin in range(0, len(everything), AT_ONCE):
        yield everything[begin : begin + AT_ONCE]

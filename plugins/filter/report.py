# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters of the reports at the end of a run: what is proven, what is broken, how long it took, tables."""

from __future__ import annotations

import typing as t

UNPROVEN = "-"


def stack_summary(facts: t.Mapping[str, t.Any]) -> dict[str, str]:
    """One row of the report: the published results of a stack's roles, in words.

    facts are the host's variables; a role that did not run leaves a dash.
    """
    return {
        "stack": facts["inventory_hostname"],
        "ACU range": _of(
            facts, "aurora_result", lambda r: "{min_capacity:g} to {max_capacity:g}".format(**r["scaling"])
        ),
        "secret synced": _of(facts, "external_secrets_result", lambda r: r["exporter"]["secret"]),
        "exporter login": _of(facts, "postgres_exporter_result", _login),
        "targets up": _of(facts, "postgres_exporter_result", lambda r: _up(r["targets"])),
        "metric families": _of(facts, "postgres_exporter_result", _families),
        "alerts loaded": _of(facts, "prometheus_rules_result", _alerts),
        "panels with data": _of(facts, "grafana_dashboards_result", _panels),
    }


def text_table(rows: t.Sequence[t.Mapping[str, str]]) -> str:
    """A plain text table; the first row's keys are the columns."""
    if not rows:
        return ""
    columns = list(rows[0])
    widths = {column: max(len(column), *(len(row[column]) for row in rows)) for column in columns}
    lines = [
        [column.ljust(widths[column]) for column in columns],
        ["-" * widths[column] for column in columns],
    ]
    lines += [[row[column].ljust(widths[column]) for column in columns] for row in rows]
    return "\n".join("  ".join(line).rstrip() for line in lines)


def rotation_rows(
    rotations: t.Sequence[t.Mapping[str, t.Any]], afterwards: t.Mapping[str, float]
) -> list[dict[str, str]]:
    """Rows for text_table: each step of each rotation, then what followed for all of them, in seconds."""
    rows = [
        {"login": each["username"], "step": step["step"], "seconds": f"{step['seconds']:.2f}"}
        for each in rotations
        for step in each["steps"]
    ]
    return rows + [
        {"login": "", "step": step, "seconds": f"{float(seconds):.2f}"}
        for step, seconds in afterwards.items()
    ]


def chain_verdict(
    broken: t.Sequence[t.Mapping[str, str]],
    links: t.Sequence[t.Mapping[str, t.Any]],
    stack: str,
    all_links: bool = False,
) -> str:
    """Which links of the chain are broken, what they said and what to do, in the order of the data's flow."""
    names, first = [link["link"] for link in links], broken[0]["link"]
    before, behind = names[: names.index(first)], names[names.index(first) + 1 :]
    lines = [f"The chain of {stack} is broken at: {', '.join(one['link'] for one in broken)}."]
    if before:
        lines.append(f"Proven before it: {', '.join(before)}.")
    for one in broken:
        role = next(link["role"] for link in links if link["link"] == one["link"])
        perhaps = "" if one["link"] == first else f" (perhaps only because of: {first})"
        lines += ["", f"{one['link']}{perhaps}, {role} : {one['task']}", one["message"]]
        lines.append(f"To have this link as the inventory describes it: playbooks/{role}.yml")
    if behind and not all_links:
        lines += ["", f"Not looked at: {', '.join(behind)}. With -e verify_all=true they are."]
    return "\n".join(lines)


def _of(facts: t.Mapping[str, t.Any], name: str, words: t.Callable[[t.Any], str]) -> str:
    return words(facts[name]) if name in facts else UNPROVEN


def _login(exporter: t.Mapping[str, t.Any]) -> str:
    if exporter["mode"] == "cloudwatch_only":
        return "none: CloudWatch"
    return "ok" if all(metrics["pg_up"] for metrics in exporter["metrics"]) else "refused"


def _families(exporter: t.Mapping[str, t.Any]) -> str:
    """Of all members' exporters together."""
    families = [metrics["required_families"] for metrics in exporter["metrics"]]
    return f"{sum(one['present'] for one in families)} of {sum(one['required'] for one in families)}"


def _up(targets: t.Sequence[t.Mapping[str, t.Any]]) -> str:
    return f"{sum(target['up'] for target in targets)} of {sum(len(target['targets']) for target in targets)}"


def _alerts(rules: t.Mapping[str, t.Any]) -> str:
    missing = rules["expected"] - rules["healthy"]
    return f"{rules['alerts'] - missing} of {rules['alerts']}"


def _panels(panels: t.Mapping[str, t.Any]) -> str:
    return f"{panels['with_data']} of {panels['total']}"


class FilterModule:
    """Documented in the YAML files beside this one."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {
            "stack_summary": stack_summary,
            "text_table": text_table,
            "chain_verdict": chain_verdict,
            "rotation_rows": rotation_rows,
        }

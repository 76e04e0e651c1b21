# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What postgres_exporter says when it really watches the database. PRIVATE: it may change at any time.

pg_up alone proves little: it stays 1 over a connection that the exporter opened before the password was
rotated, while every collector is silent.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.expectation import (
    Check,
    check,
)
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.model import Exposition
from ansible_collections.eks_observability.stack.plugins.module_utils._exporter.postgres_families import (
    Version,
    default_collectors,
    parse_version,
    required_families,
)

HEARTBEAT = "pg_exporter_scrapes_total"
# Own and background sessions are in numbackends, but not in the count by state.
UNSEEN_SESSIONS = 10

LOGIN_HINT = (
    "the exporter cannot log in: password wrong or rotated (it is read only at start: restart the pod), role "
    "missing, NOLOGIN or at its connection limit, CA not trusted, or no network path to the database"
)
SILENT_HINT = (
    "the exporter lives on an old connection and cannot open new ones: password rotated, or role at its "
    "connection limit; restart the pod (postgres_exporter issue 1387)"
)
BLIND_HINT = "the exporter's role does not see other users: GRANT pg_monitor to it"


@dataclass(frozen=True)
class PostgresProfile:
    """What is known about the deployed exporter; None is: not checked.

    The collectors that are on are those of the exporter's version with these flags, unless `collectors` names
    them.
    """

    database: str
    postgres_major: int
    collectors: Collection[str] | None = None
    collectors_enabled: Collection[str] = ()
    collectors_disabled: Collection[str] = ()
    role: str = "postgres_exporter"
    exporter_version: str | None = None
    max_connections: int | None = None
    #: A page of the path /probe: made by an exporter of its own, it says nothing of the process.
    probe: bool = False

    def families(self, page: Exposition) -> list[str]:
        """The families that this exporter has to expose."""
        return required_families(self._wanted(page), self.postgres_major, self._exporter(page))

    def _exporter(self, page: Exposition) -> Version:
        return parse_version(self.exporter_version or build_version(page) or "")

    def _wanted(self, page: Exposition) -> frozenset[str]:
        """The collectors that have to report success."""
        if self.collectors is not None:
            return frozenset(self.collectors)
        flagged = default_collectors(self._exporter(page)) | frozenset(self.collectors_enabled)
        return flagged - frozenset(self.collectors_disabled)

    def hint(self, fault: str) -> str:
        """What to do when the page itself could not be had for this reason."""
        # Before 0.19.1 the hidden statements collide, and the exporter has no page at all.
        return BLIND_HINT if "collected before" in fault and '"unknown"' in fault else ""

    def judge(self, page: Exposition) -> Iterator[Check]:
        """All checks on one page; those that an earlier failure makes pointless are skipped."""
        if self.exporter_version and not self.probe:
            yield self._version(page)
        login = self._login(page)
        yield login
        if login.status != "pass":
            yield Check("statistics", "skip", "a login", "none")
            return
        yield self._scrape_error(page)
        yield from self._collectors(page)
        if not page.has("pg_scrape_collector_success"):
            yield Check("statistics", "skip", "collectors", "none")
            return
        yield self._required(page)
        yield self._database(page)
        yield self._io_timing(page)
        yield self._sees_others(page)
        if self.max_connections is not None:
            yield self._max_connections(page, self.max_connections)

    def _version(self, page: Exposition) -> Check:
        seen = build_version(page)
        wanted = parse_version(self.exporter_version or "")
        return check(
            "exporter_version",
            seen is not None and parse_version(seen)[: len(wanted)] == wanted,
            f"postgres_exporter {self.exporter_version}",
            seen or "no postgres_exporter_build_info",
            "another image runs than the one that was asked for, or another exporter answers",
        )

    def _login(self, page: Exposition) -> Check:
        values = [sample.value for sample in page.series("pg_up")]
        return check(
            "pg_up",
            bool(values) and all(value == 1 for value in values),
            "1",
            ", ".join(f"{value:g}" for value in values) or "no such series",
            LOGIN_HINT if values else "this is not the page of a postgres_exporter",
        )

    def _scrape_error(self, page: Exposition) -> Check:
        value = page.value("pg_exporter_last_scrape_error")
        return check(
            "pg_exporter_last_scrape_error",
            value == 0,
            "0",
            "no such series" if value is None else f"{value:g}",
            "a query failed, its error is in the log of the exporter",
        )

    def _collectors(self, page: Exposition) -> Iterator[Check]:
        """Silence is failure: a collector that says nothing of itself has not run."""
        success = {
            sample.labels.get("collector", ""): sample.value
            for sample in page.series("pg_scrape_collector_success")
        }
        wanted = self._wanted(page)
        missing = sorted(wanted - success.keys())
        failed = sorted(name for name, value in success.items() if value != 1)
        yield check(
            "collectors",
            not missing and not failed,
            f"success of {', '.join(sorted(wanted))}",
            _collectors_seen(missing, failed) if success else "none of them says anything",
            _collectors_hint(failed) if success else SILENT_HINT,
        )
        if extra := sorted(success.keys() - wanted - set(failed)):
            yield Check("collectors_not_asked_for", "warn", "none", ", ".join(extra), "its flags differ")

    def _required(self, page: Exposition) -> Check:
        silent = self._wanted(page) - _successful(page)
        missing = [
            name
            for name in required_families(
                self._wanted(page) - silent, self.postgres_major, self._exporter(page)
            )
            if not page.has(name)
        ]
        return check(
            "required_families",
            not missing,
            f"{len(self.families(page))} families",
            f"missing: {', '.join(missing)}" if missing else "all",
            "a collector is off or failed, or exporter or PostgreSQL have another version than the profile",
        )

    def _database(self, page: Exposition) -> Check:
        names = sorted(
            {sample.labels.get("datname", "") for sample in page.series("pg_stat_database_numbackends")}
        )
        return check(
            "database",
            self.database in names,
            f"statistics of database {self.database}",
            ", ".join(filter(None, names)) or "no database",
            "the exporter is connected to another server, or the database does not exist",
        )

    def _io_timing(self, page: Exposition) -> Check:
        value = page.value("pg_settings_track_io_timing")
        return check(
            "pg_settings_track_io_timing",
            value == 1,
            "1",
            "no such series" if value is None else f"{value:g}",
            "set track_io_timing in the cluster parameter group, read and write times stay 0 without it",
        )

    def _max_connections(self, page: Exposition, wanted: int) -> Check:
        value = page.value("pg_settings_max_connections")
        return check(
            "pg_settings_max_connections",
            value == wanted,
            str(wanted),
            "no such series" if value is None else f"{value:g}",
            "the ACU range was changed and the instance was not rebooted yet (pending-reboot)",
        )

    def _sees_others(self, page: Exposition) -> Check:
        """Whether the role has pg_monitor.

        PostgreSQL hides the identifier of other users' statements from a role that may not read all
        statistics, and the exporter writes "unknown" then: decisive. A statement of another user with an
        identifier is the opposite proof. Without either, sessions whose state is hidden are missing from the
        count by state.
        """
        statements = page.series("pg_stat_statements_calls_total")
        hidden = {s.labels.get("user", "") for s in statements if s.labels.get("queryid") == "unknown"}
        known = {s.labels.get("user", "") for s in statements} - hidden - {self.role}
        unseen = _sum(page, "pg_stat_database_numbackends") - _sum(page, "pg_stat_activity_count")
        if hidden:
            observed = f"statements of {', '.join(sorted(hidden))} are hidden"
        elif unseen > UNSEEN_SESSIONS:
            observed = f"{unseen:g} sessions are hidden"
        elif known:
            observed = f"statements of {', '.join(sorted(known))}"
        else:
            observed = "all sessions"
        return check(
            "sees_other_users",
            not hidden and unseen <= UNSEEN_SESSIONS,
            "statements and sessions of other users",
            observed,
            BLIND_HINT,
        )


def _collectors_seen(missing: Collection[str], failed: Collection[str]) -> str:
    rows = (("silent", missing), ("failed", failed))
    return "; ".join(f"{word}: {', '.join(names)}" for word, names in rows if names) or "success"


def _collectors_hint(failed: Collection[str]) -> str:
    hostile = {"replication", "wal"} & set(failed)
    if hostile:
        return (
            f"Aurora does not support {', '.join(sorted(hostile))}: switch it off with --no-collector.<name>"
        )
    if failed:
        return "the error is in the log of the exporter; stat_statements needs its extension in the database"
    return "switch it on with --collector.<name>; it may not exist in this version of the exporter"


def _successful(page: Exposition) -> frozenset[str]:
    """Collectors that report success."""
    found = page.series("pg_scrape_collector_success")
    return frozenset(sample.labels.get("collector", "") for sample in found if sample.value == 1)


def build_version(page: Exposition) -> str | None:
    """The version that the exporter says it has."""
    found = page.series("postgres_exporter_build_info")
    return found[0].labels.get("version") if found else None


def _sum(page: Exposition, name: str) -> float:
    return sum(sample.value for sample in page.series(name))

# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The families that postgres_exporter exposes, by collector and version. PRIVATE: it may change at any time.

Only families that always have a sample: a database without tables, archiving or replicas is healthy.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

Version = tuple[int, ...]
NEWEST: Version = (99,)


@dataclass(frozen=True)
class Row:
    """Families of one collector (or of the exporter itself: None) within these versions, `until` excluded."""

    collector: str | None
    names: str
    postgres: tuple[int, int] = (0, 99)
    exporter: tuple[Version, Version] = ((0,), NEWEST)


TABLE = (
    Row(
        None,
        "pg_up pg_static pg_exporter_last_scrape_error pg_exporter_last_scrape_duration_seconds "
        "pg_exporter_scrapes_total pg_scrape_collector_success pg_scrape_collector_duration_seconds "
        "pg_settings_max_connections pg_settings_superuser_reserved_connections "
        "pg_settings_shared_buffers_bytes pg_settings_track_io_timing pg_stat_activity_count "
        "pg_stat_activity_max_tx_duration",
    ),
    Row(None, "pg_settings_reserved_connections", postgres=(16, 99)),
    Row("database", "pg_database_size_bytes"),
    Row("database", "pg_database_connection_limit", exporter=((0, 17), NEWEST)),
    Row("roles", "pg_roles_connection_limit"),
    Row("locks", "pg_locks_count"),
    Row(
        "stat_database",
        "pg_stat_database_numbackends pg_stat_database_xact_commit pg_stat_database_xact_rollback "
        "pg_stat_database_blks_read pg_stat_database_blks_hit pg_stat_database_blk_read_time "
        "pg_stat_database_blk_write_time pg_stat_database_tup_returned pg_stat_database_tup_fetched "
        "pg_stat_database_tup_inserted pg_stat_database_tup_updated pg_stat_database_tup_deleted "
        "pg_stat_database_deadlocks pg_stat_database_conflicts pg_stat_database_temp_files "
        "pg_stat_database_temp_bytes",
    ),
    Row(
        "stat_database",
        "pg_stat_database_active_time_seconds_total",
        postgres=(14, 99),
        exporter=((0, 16), NEWEST),
    ),
    Row(
        "stat_bgwriter",
        "pg_stat_bgwriter_buffers_clean_total pg_stat_bgwriter_maxwritten_clean_total "
        "pg_stat_bgwriter_buffers_alloc_total",
    ),
    Row(
        "stat_bgwriter",
        "pg_stat_bgwriter_checkpoints_timed_total pg_stat_bgwriter_checkpoints_req_total "
        "pg_stat_bgwriter_buffers_checkpoint_total pg_stat_bgwriter_buffers_backend_total",
        postgres=(0, 17),
    ),
    Row(
        "stat_checkpointer",
        "pg_stat_checkpointer_num_timed_total pg_stat_checkpointer_num_requested_total "
        "pg_stat_checkpointer_buffers_written_total",
        postgres=(17, 99),
    ),
    Row(
        "stat_statements",
        "pg_stat_statements_calls_total pg_stat_statements_seconds_total pg_stat_statements_rows_total "
        "pg_stat_statements_block_read_seconds_total pg_stat_statements_block_write_seconds_total",
    ),
    Row(
        "database_wraparound",
        "pg_database_wraparound_age_datfrozenxid_seconds pg_database_wraparound_age_datminmxid_seconds",
    ),
    Row("postmaster", "pg_postmaster_start_time_seconds"),
    Row("long_running_transactions", "pg_long_running_transactions"),
    Row("stat_archiver", "pg_stat_archiver_archived_count pg_stat_archiver_failed_count"),
    Row("replication", "pg_replication_is_replica pg_replication_lag_seconds"),
    Row("wal", "pg_wal_segments pg_wal_size_bytes"),
)


# Collectors that are on without a flag, by the first version of the exporter in which they are.
DEFAULT_COLLECTORS: tuple[tuple[Version, str], ...] = (
    (
        (0, 15),
        "database locks replication stat_bgwriter stat_database stat_user_tables statio_user_tables wal",
    ),
    ((0, 16), "roles"),
    ((0, 18), "stat_progress_vacuum"),
    ((0, 20), "replication_slots settings stat_activity stat_archiver stat_replication"),
)
RENAMED: tuple[Version, str] = ((0, 20), "replication_slot")


def default_collectors(exporter: Version) -> frozenset[str]:
    """Collectors of this version that are on without a flag."""
    names = {name for since, row in DEFAULT_COLLECTORS if exporter >= since for name in row.split()}
    until, old = RENAMED
    return frozenset(names | ({old} if exporter < until else set()))


def parse_version(text: str) -> Version:
    """The numbers of a version, for example (0, 19, 1) of "0.19.1+ds"; the newest when there are none."""
    match = re.match(r"v?(\d+(?:\.\d+)*)", text)
    return tuple(int(number) for number in match[1].split(".")) if match else NEWEST


def required_families(collectors: Collection[str], postgres_major: int, exporter: Version) -> list[str]:
    """Names of the families that an exporter with these collectors has to expose."""
    return [
        name
        for row in TABLE
        if row.collector is None or row.collector in collectors
        if row.postgres[0] <= postgres_major < row.postgres[1]
        if row.exporter[0] <= exporter < row.exporter[1]
        for name in row.names.split()
    ]

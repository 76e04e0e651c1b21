# Copyright: (c) 2026, The eks_observability.stack developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One function per call to the Data API: no decisions here."""

from __future__ import annotations

import dataclasses
import typing as t

from .._aws import aws_call
from .errors import DatabaseError

if t.TYPE_CHECKING:
    from mypy_boto3_rds_data.client import RDSDataServiceClient


@dataclasses.dataclass(frozen=True)
class Connection:
    """Where SQL is run, and by whom."""

    client: RDSDataServiceClient
    cluster_arn: str
    secret_arn: str
    database: str

    def __str__(self) -> str:
        return f"database {self.database} of {self.cluster_arn}"


@aws_call(DatabaseError, "query {connection}")
def query(connection: Connection, sql: str) -> list[list[t.Any]]:
    """Rows of cells as the Data API gives them."""
    answer = connection.client.execute_statement(
        resourceArn=connection.cluster_arn,
        secretArn=connection.secret_arn,
        database=connection.database,
        sql=sql,
    )
    return t.cast("list[list[t.Any]]", answer.get("records", []))


@aws_call(DatabaseError, "begin a transaction in {connection}")
def begin(connection: Connection) -> str:
    return connection.client.begin_transaction(
        resourceArn=connection.cluster_arn, secretArn=connection.secret_arn, database=connection.database
    )["transactionId"]


@aws_call(DatabaseError, "run {shown} in {connection}")
def execute(connection: Connection, transaction_id: str, sql: str, shown: str) -> None:
    """`shown` stands for `sql` in an error."""
    connection.client.execute_statement(
        resourceArn=connection.cluster_arn,
        secretArn=connection.secret_arn,
        database=connection.database,
        sql=sql,
        transactionId=transaction_id,
    )


@aws_call(DatabaseError, "commit in {connection}")
def commit(connection: Connection, transaction_id: str) -> None:
    connection.client.commit_transaction(
        resourceArn=connection.cluster_arn, secretArn=connection.secret_arn, transactionId=transaction_id
    )


@aws_call(DatabaseError, "roll back in {connection}")
def rollback(connection: Connection, transaction_id: str) -> None:
    connection.client.rollback_transaction(
        resourceArn=connection.cluster_arn, secretArn=connection.secret_arn, transactionId=transaction_id
    )

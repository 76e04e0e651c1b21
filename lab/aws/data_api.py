"""The RDS Data API: real SQL in the real database, as the user of a secret."""

from __future__ import annotations

import json
import re
import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import moto.rdsdata.urls
from moto.core.responses import ActionResult
from moto.rdsdata.responses import RDSDataServiceResponse
from psycopg import pq

from lab.aws.data_api_statement import Result, Statement, bind
from lab.aws.faults import fault
from lab.aws.iam import Gate
from lab.aws.patches import Patches
from lab.aws.rds_aurora import Aurora
from lab.aws.rds_model import Cluster
from lab.aws.secrets import Login

_PATHS = ("Execute", "BatchExecute", "BeginTransaction", "CommitTransaction", "RollbackTransaction")
_SERVER_ERROR = re.compile(r"^.*?(FATAL|ERROR):\s*", re.DOTALL)
_LOGIN_STATES = {
    "password authentication failed": "28P01",
    "pg_hba.conf": "28000",
    "is not permitted to log in": "28000",
    "does not exist": "3D000",
    "too many connections": "53300",
    "remaining connection slots": "53300",
}
Body = Mapping[str, Any]


@dataclass
class _Transaction:
    connection: pq.abc.PGconn
    lock: threading.Lock = field(default_factory=threading.Lock)


class DataApi:
    """Runs statements, alone or in transactions that outlive a request."""

    def __init__(self, aurora: Aurora, gate: Gate) -> None:
        self._aurora = aurora
        self._gate = gate
        self._transactions: dict[str, _Transaction] = {}

    def install(self, patches: Patches) -> None:
        """Take the place of moto's canned results."""
        actions: dict[str, Callable[[Any, Body], dict[str, Any]]] = {
            "execute_statement": self._execute,
            "batch_execute_statement": self._batch,
            "begin_transaction": self._begin,
            "commit_transaction": lambda response, body: self._end(body, "COMMIT"),
            "rollback_transaction": lambda response, body: self._end(body, "ROLLBACK"),
        }
        for path in _PATHS:
            patches.entry(moto.rdsdata.urls.url_paths, f"{{0}}/{path}$", moto.rdsdata.urls.response.dispatch)
        for name, action in actions.items():
            patches.attribute(RDSDataServiceResponse, name, _method(action))
        self._gate.resources["rds-data"] = lambda response, action: _body(response).get("resourceArn", "*")

    def stop(self) -> None:
        """Forget open transactions."""
        for transaction in self._transactions.values():
            transaction.connection.finish()
        self._transactions.clear()

    def _execute(self, response: Any, body: Body) -> dict[str, Any]:
        statement = bind(body["sql"], body.get("parameters", []))
        as_json = body.get("formatRecordsAs") == "JSON"
        metadata = body.get("includeResultMetadata", False)

        def run(connection: pq.abc.PGconn) -> dict[str, Any]:
            return Result(_run(connection, statement)).describe(metadata=metadata, as_json=as_json)

        return self._with_connection(response, body, run)

    def _batch(self, response: Any, body: Body) -> dict[str, Any]:
        statements = [bind(body["sql"], parameters) for parameters in body.get("parameterSets") or [[]]]

        def run(connection: pq.abc.PGconn) -> dict[str, Any]:
            for statement in statements:
                _run(connection, statement)
            return {"updateResults": [{"generatedFields": []} for _statement in statements]}

        return self._with_connection(response, body, run)

    def _with_connection(
        self, response: Any, body: Body, run: Callable[[pq.abc.PGconn], dict[str, Any]]
    ) -> dict[str, Any]:
        identifier = body.get("transactionId")
        if identifier:
            transaction = self._transaction(identifier)
            with transaction.lock:
                return run(transaction.connection)
        connection = self._connect(response, body)
        try:
            return run(connection)
        finally:
            connection.finish()

    def _begin(self, response: Any, body: Body) -> dict[str, Any]:
        connection = self._connect(response, body)
        _run(connection, bind("BEGIN", []))
        identifier = str(uuid.uuid4())
        self._transactions[identifier] = _Transaction(connection)
        return {"transactionId": identifier}

    def _transaction(self, identifier: str) -> _Transaction:
        transaction = self._transactions.get(identifier)
        if transaction is None:
            raise fault("TransactionNotFoundException", f"Transaction {identifier} is not found")
        return transaction

    def _end(self, body: Body, command: str) -> dict[str, Any]:
        transaction = self._transaction(body["transactionId"])
        with transaction.lock:
            self._transactions.pop(body["transactionId"], None)
            try:
                tag = _run(transaction.connection, bind(command, [])).command_status or b""
            finally:
                transaction.connection.finish()
        # PostgreSQL answers a COMMIT of a broken transaction with ROLLBACK.
        return {
            "transactionStatus": f"Transaction {'Committed' if tag == b'COMMIT' else 'Rollback Complete'}"
        }

    def _connect(self, response: Any, body: Body) -> pq.abc.PGconn:
        cluster = self._cluster(body["resourceArn"])
        login = self._login(response, body["secretArn"])
        # Without a database AWS takes the user's name, whatever the secret says.
        database = body.get("database") or login.username
        options = {
            "host": cluster.server.address,
            "port": str(cluster.server.port),
            "user": login.username,
            "password": login.password,
            "dbname": database,
            "sslmode": "require",
            "connect_timeout": "10",
            "application_name": "rds-data-api",
        }
        text = " ".join(f"{name}='{_escape(value)}'" for name, value in options.items())
        connection = pq.PGconn.connect(text.encode())
        if connection.status != pq.ConnStatus.OK:
            message = _SERVER_ERROR.sub(r"\1: ", connection.error_message.decode()).strip()
            connection.finish()
            state = next((code for hint, code in _LOGIN_STATES.items() if hint in message), "08006")
            raise fault("DatabaseErrorException", f"{message}; SQLState: {state}")
        return connection

    def _cluster(self, arn: str) -> Cluster:
        with self._aurora.lock:
            cluster = next((one for one in self._aurora.clusters.values() if one.arn == arn), None)
            if cluster is None:
                raise fault("DatabaseNotFoundException", f"Database cluster {arn} is not found")
            if not cluster.fields["HttpEndpointEnabled"]:
                raise fault(
                    "HttpEndpointNotEnabledException", f"HttpEndpoint is not enabled for resource {arn}"
                )
            members = self._aurora.members_of(cluster)
            if not members:
                raise fault("DatabaseNotFoundException", "The DB cluster doesn't have a DB instance.")
            if not any(member.status not in ("creating", "rebooting") for member in members):
                raise fault("DatabaseUnavailableException", f"Database cluster {arn} is not available")
        return cluster

    def _login(self, response: Any, arn: str) -> Login:
        self._gate.require(response, response.lab_caller, "secretsmanager:GetSecretValue", arn)
        try:
            login = self._aurora.secrets.login(arn)
        except ValueError as error:
            raise fault("InvalidSecretException", str(error)) from error
        if login is None:
            raise fault("SecretsErrorException", f"Secrets Manager can't find the secret {arn}")
        return login


def _run(connection: pq.abc.PGconn, statement: Statement) -> pq.abc.PGresult:
    # Parameters, even none, allow one statement only, as AWS does.
    result = connection.exec_params(statement.sql, statement.values, statement.types)
    if result.status in (pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK, pq.ExecStatus.EMPTY_QUERY):
        return result

    def part(name: pq.DiagnosticField) -> str:
        return (result.error_field(name) or b"").decode()

    message = f"{part(pq.DiagnosticField.SEVERITY)}: {part(pq.DiagnosticField.MESSAGE_PRIMARY)}"
    details = {
        "Detail": part(pq.DiagnosticField.MESSAGE_DETAIL),
        "Hint": part(pq.DiagnosticField.MESSAGE_HINT),
        "Position": part(pq.DiagnosticField.STATEMENT_POSITION),
        "SQLState": part(pq.DiagnosticField.SQLSTATE),
    }
    text = "; ".join([message, *(f"{name}: {value}" for name, value in details.items() if value)])
    raise fault("DatabaseErrorException", text)


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace("'", "\\'")


def _body(response: Any) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(response.body or "{}")
    return body


def _method(action: Callable[[Any, Body], dict[str, Any]]) -> Callable[[Any], Any]:
    def method(response: Any) -> Any:
        return ActionResult(action(response, _body(response)))

    return method

"""The Data API against the real database."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lab.aws.data_api_statement import bind
from lab.aws.faults import Fault


@pytest.mark.parametrize(
    ("sql", "names", "expected"),
    [
        pytest.param("SELECT :a, :b, :a", "ab", "SELECT $1, $2, $1", id="repeated"),
        pytest.param("SELECT :a::int", "a", "SELECT $1::int", id="cast"),
        pytest.param("SELECT ':a', \":a\", :a", "a", "SELECT ':a', \":a\", $1", id="quoted"),
        pytest.param(
            "SELECT 'it''s :a' -- :a\n, /* :a */ :a",
            "a",
            "SELECT 'it''s :a' -- :a\n, /* :a */ $1",
            id="comments",
        ),
        pytest.param("DO $x$ :a $x$; :a", "a", "DO $x$ :a $x$; $1", id="dollar quotes"),
        pytest.param("SELECT x[1:n]", "", "SELECT x[1:n]", id="no parameters, no change"),
    ],
)
def test_names_become_numbers(sql: str, names: str, expected: str) -> None:
    parameters = [{"name": name, "value": {"stringValue": "x"}} for name in names]
    assert bind(sql, parameters).sql.decode() == expected


def test_a_name_without_a_value() -> None:
    with pytest.raises(Fault, match="'b' has no value"):
        bind("SELECT :b", [{"name": "a", "value": {"longValue": 1}}])


@pytest.fixture
def execute(aws: Any, shared: dict[str, Any]) -> Any:
    """Run SQL as the master in the database `app`."""

    def run(sql: str, **options: Any) -> dict[str, Any]:
        return dict(
            aws.rds_data.execute_statement(
                **{
                    "resourceArn": shared["DBClusterArn"],
                    "secretArn": shared["MasterUserSecret"]["SecretArn"],
                    "database": "app",
                    "sql": sql,
                    **options,
                }
            )
        )

    return run


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        pytest.param("1", {"longValue": 1}, id="int4"),
        pytest.param("9007199254740993::bigint", {"longValue": 9007199254740993}, id="int8"),
        pytest.param("1.5::float8", {"doubleValue": 1.5}, id="float8"),
        pytest.param("1.50::numeric", {"stringValue": "1.50"}, id="numeric"),
        pytest.param("true", {"booleanValue": True}, id="bool"),
        pytest.param("'ü'", {"stringValue": "ü"}, id="text"),
        pytest.param("''", {"stringValue": ""}, id="empty text"),
        pytest.param("NULL::int", {"isNull": True}, id="null"),
        pytest.param("current_user", {"stringValue": "dbadmin"}, id="name"),
        pytest.param("'\\x00ff'::bytea", {"blobValue": b"\x00\xff"}, id="bytea"),
        pytest.param("'{\"a\": 1}'::jsonb", {"stringValue": '{"a": 1}'}, id="jsonb"),
        pytest.param("array['a', 'b,\"c']", {"arrayValue": {"stringValues": ["a", 'b,"c']}}, id="array"),
    ],
)
def test_results(execute: Any, expression: str, expected: dict[str, Any]) -> None:
    assert execute(f"SELECT {expression}")["records"] == [[expected]]


@pytest.mark.parametrize(
    ("value", "hint", "expression", "expected"),
    [
        pytest.param({"stringValue": "it's :x"}, None, ":v", {"stringValue": "it's :x"}, id="text"),
        pytest.param({"longValue": 5}, None, ":v + 1", {"longValue": 6}, id="integer"),
        pytest.param({"booleanValue": False}, None, "NOT :v", {"booleanValue": True}, id="boolean"),
        pytest.param({"doubleValue": 0.5}, None, ":v * 2", {"doubleValue": 1.0}, id="double"),
        pytest.param({"isNull": True}, None, ":v::int IS NULL", {"booleanValue": True}, id="null"),
        pytest.param({"blobValue": b"\x01"}, None, "length(:v)", {"longValue": 1}, id="blob"),
        pytest.param({"stringValue": '{"a": 2}'}, "JSON", "(:v->>'a')", {"stringValue": "2"}, id="JSON"),
    ],
)
def test_parameters(
    execute: Any, value: dict[str, Any], hint: str | None, expression: str, expected: dict[str, Any]
) -> None:
    parameter = {"name": "v", "value": value, **({"typeHint": hint} if hint else {})}
    assert execute(f"SELECT {expression}", parameters=[parameter])["records"] == [[expected]]


def test_records_as_json(execute: Any) -> None:
    answer = execute("SELECT 1 AS a, NULL AS b UNION ALL SELECT 2, 'x'", formatRecordsAs="JSON")
    assert json.loads(answer["formattedRecords"]) == [{"a": 1, "b": None}, {"a": 2, "b": "x"}]
    assert "records" not in answer


def test_column_metadata(execute: Any) -> None:
    (column,) = execute("SELECT 1 AS a", includeResultMetadata=True)["columnMetadata"]
    assert (column["label"], column["typeName"], column["type"]) == ("a", "int4", 4)


def test_changes_are_counted(execute: Any) -> None:
    assert execute("CREATE TABLE counted (a int)")["numberOfRecordsUpdated"] == 0
    assert execute("INSERT INTO counted VALUES (1), (2)")["numberOfRecordsUpdated"] == 2


@pytest.mark.parametrize(
    ("sql", "code", "texts"),
    [
        pytest.param(
            "SELECT * FROM nowhere",
            "DatabaseErrorException",
            ['ERROR: relation "nowhere" does not exist', "Position: 15", "SQLState: 42P01"],
            id="unknown table",
        ),
        pytest.param(
            "SELECT 1; SELECT 2", "DatabaseErrorException", ["SQLState: 42601"], id="two statements"
        ),
        pytest.param(
            "CREATE ROLE s SUPERUSER", "DatabaseErrorException", ["SQLState: 42501"], id="not a superuser"
        ),
        pytest.param(
            "SELECT 'int'::regtype",
            "UnsupportedResultException",
            ["unsupported data type regtype"],
            id="regtype",
        ),
        pytest.param(
            "SELECT relkind FROM pg_class",
            "UnsupportedResultException",
            ["unsupported data type char"],
            id="char",
        ),
    ],
)
def test_sql_errors(execute: Any, refusal: Any, sql: str, code: str, texts: list[str]) -> None:
    found, message = refusal(execute, sql=sql)
    assert found == code
    assert all(text in message for text in texts), message


class TestRefusals:
    def test_no_such_database(self, execute: Any, refusal: Any) -> None:
        code, message = refusal(execute, sql="SELECT 1", database="nope")
        assert code == "DatabaseErrorException"
        assert message == 'FATAL: database "nope" does not exist; SQLState: 3D000'

    def test_without_a_database_it_is_the_users_name(
        self, aws: Any, refusal: Any, shared: dict[str, Any]
    ) -> None:
        code, message = refusal(
            aws.rds_data.execute_statement,
            resourceArn=shared["DBClusterArn"],
            secretArn=shared["MasterUserSecret"]["SecretArn"],
            sql="SELECT 1",
        )
        assert (code, 'database "dbadmin" does not exist' in message) == ("DatabaseErrorException", True)

    def test_wrong_password(self, aws: Any, execute: Any, refusal: Any) -> None:
        secret = aws.secretsmanager.create_secret(
            Name="wrong-login", SecretString=json.dumps({"username": "dbadmin", "password": "wrong"})
        )["ARN"]
        code, message = refusal(execute, sql="SELECT 1", secretArn=secret)
        assert code == "DatabaseErrorException"
        assert message == 'FATAL: password authentication failed for user "dbadmin"; SQLState: 28P01'

    def test_secrets(self, aws: Any, execute: Any, refusal: Any) -> None:
        malformed = aws.secretsmanager.create_secret(Name="no-login", SecretString="plain")["ARN"]
        absent = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:absent-AbCdEf"
        assert refusal(execute, sql="SELECT 1", secretArn=malformed)[0] == "InvalidSecretException"
        assert refusal(execute, sql="SELECT 1", secretArn=absent)[0] == "SecretsErrorException"

    def test_no_such_cluster(self, execute: Any, refusal: Any) -> None:
        arn = "arn:aws:rds:eu-central-1:123456789012:cluster:nope"
        assert refusal(execute, sql="SELECT 1", resourceArn=arn)[0] == "DatabaseNotFoundException"

    def test_endpoint_off_and_on(self, aws: Any, refusal: Any, execute: Any) -> None:
        cluster = aws.create("closed", MasterUserPassword=None, ManageMasterUserPassword=True)
        arn = {"resourceArn": cluster["DBClusterArn"], "secretArn": cluster["MasterUserSecret"]["SecretArn"]}
        code, message = refusal(execute, sql="SELECT 1", **arn)
        assert (code, cluster["DBClusterArn"] in message) == ("HttpEndpointNotEnabledException", True)
        answer = aws.rds.enable_http_endpoint(ResourceArn=cluster["DBClusterArn"])
        assert answer["HttpEndpointEnabled"] is True
        assert aws.cluster("closed")["HttpEndpointEnabled"] is True
        code, message = refusal(execute, sql="SELECT 1", **arn)
        assert (code, "doesn't have a DB instance" in message) == ("DatabaseNotFoundException", True)
        aws.rds.create_db_instance(
            DBInstanceIdentifier="closed-1",
            DBClusterIdentifier="closed",
            DBInstanceClass="db.serverless",
            Engine="aurora-postgresql",
        )
        aws.wait_member("closed-1")
        assert execute("SELECT 1", **arn)["records"]
        aws.rds.disable_http_endpoint(ResourceArn=cluster["DBClusterArn"])
        assert refusal(execute, sql="SELECT 1", **arn)[0] == "HttpEndpointNotEnabledException"

    def test_the_caller_needs_both_rights(self, aws: Any, refusal: Any, shared: dict[str, Any]) -> None:
        secret, cluster = shared["MasterUserSecret"]["SecretArn"], shared["DBClusterArn"]
        aws.iam.create_user(UserName="sql")
        key = aws.iam.create_access_key(UserName="sql")["AccessKey"]
        client = aws.client("rds-data", (key["AccessKeyId"], key["SecretAccessKey"]))
        wish = {"resourceArn": cluster, "secretArn": secret, "sql": "SELECT 1", "database": "app"}

        def allow(*rights: tuple[str, str]) -> None:
            statements = [{"Effect": "Allow", "Action": action, "Resource": on} for action, on in rights]
            document = json.dumps({"Version": "2012-10-17", "Statement": statements})
            aws.iam.put_user_policy(UserName="sql", PolicyName="p", PolicyDocument=document)

        right = ("rds-data:ExecuteStatement", cluster)
        code, message = refusal(client.execute_statement, **wish)
        assert (code, "rds-data:ExecuteStatement" in message) == ("AccessDeniedException", True)
        allow(right)
        code, message = refusal(client.execute_statement, **wish)
        assert (code, "secretsmanager:GetSecretValue" in message) == ("AccessDeniedException", True)
        allow(right, ("secretsmanager:GetSecretValue", secret))
        assert client.execute_statement(**wish)["records"] == [[{"longValue": 1}]]


class TestTransactions:
    @pytest.fixture
    def target(self, shared: dict[str, Any]) -> dict[str, str]:
        return {"resourceArn": shared["DBClusterArn"], "secretArn": shared["MasterUserSecret"]["SecretArn"]}

    @pytest.mark.parametrize(
        ("end", "status", "rows"),
        [
            pytest.param("commit_transaction", "Transaction Committed", 1, id="commit"),
            pytest.param("rollback_transaction", "Rollback Complete", 0, id="rollback"),
        ],
    )
    def test_ends(
        self, aws: Any, refusal: Any, execute: Any, target: dict[str, str], end: str, status: str, rows: int
    ) -> None:
        execute(f"CREATE TABLE {end} (a int)")
        transaction = aws.rds_data.begin_transaction(**target, database="app")["transactionId"]
        execute(f"INSERT INTO {end} VALUES (1)", transactionId=transaction)
        assert execute(f"SELECT count(*) FROM {end}")["records"] == [[{"longValue": 0}]]
        answer = getattr(aws.rds_data, end)(**target, transactionId=transaction)
        assert status in answer["transactionStatus"]
        assert execute(f"SELECT count(*) FROM {end}")["records"] == [[{"longValue": rows}]]
        code, _message = refusal(execute, sql="SELECT 1", transactionId=transaction)
        assert code == "TransactionNotFoundException"

    def test_batch(self, aws: Any, execute: Any, target: dict[str, str]) -> None:
        execute("CREATE TABLE batch (a int)")
        sets = [[{"name": "a", "value": {"longValue": number}}] for number in (1, 2, 3)]
        answer = aws.rds_data.batch_execute_statement(
            **target, database="app", sql="INSERT INTO batch VALUES (:a)", parameterSets=sets
        )
        assert len(answer["updateResults"]) == 3
        assert execute("SELECT sum(a) FROM batch")["records"] == [[{"longValue": 6}]]


def test_only_changing_statements_count_as_mutating(aws: Any, execute: Any) -> None:
    execute("SELECT 1")
    execute("CREATE TABLE mutating (a int)")
    assert [entry["mutating"] for entry in aws.log()[-2:]] == [False, True]

"""aurora_cluster against the laboratory's AWS; every change is seen by boto3, the database by a login."""

from __future__ import annotations

import json
import typing as t

import psycopg
import pytest
from ansible_collections.eks_observability.stack.plugins.modules.aurora_cluster import main

PASSWORD = "a-long-Password-of-the-master"
WAIT = 60


class Rds:
    """An administrator's view of one cluster."""

    def __init__(self, aws: t.Any, cluster_id: str) -> None:
        self.client, self.cluster_id, self.authority = aws.client("rds"), cluster_id, aws.authority
        self.secrets = aws.client("secretsmanager")

    @property
    def exists(self) -> bool:
        clusters = self.client.describe_db_clusters()["DBClusters"]
        return self.cluster_id in [cluster["DBClusterIdentifier"] for cluster in clusters]

    @property
    def cluster(self) -> dict[str, t.Any]:
        answer = self.client.describe_db_clusters(DBClusterIdentifier=self.cluster_id)
        cluster: dict[str, t.Any] = answer["DBClusters"][0]
        return cluster

    @property
    def members(self) -> dict[str, tuple[bool, int]]:
        """(is the writer, tier) by name."""
        return {
            member["DBInstanceIdentifier"]: (member["IsClusterWriter"], member["PromotionTier"])
            for member in self.cluster["DBClusterMembers"]
        }

    @property
    def tags(self) -> dict[str, str]:
        return {tag["Key"]: tag["Value"] for tag in self.cluster["TagList"]}

    def modify(self, **changes: t.Any) -> None:
        self.client.modify_db_cluster(DBClusterIdentifier=self.cluster_id, ApplyImmediately=True, **changes)

    def login(self, password: str | None = None) -> None:
        """Log in as the master, by default with the password that RDS manages."""
        cluster = self.cluster
        if password is None:
            arn = cluster["MasterUserSecret"]["SecretArn"]
            password = json.loads(self.secrets.get_secret_value(SecretId=arn)["SecretString"])["password"]
        with psycopg.connect(
            host=cluster["Endpoint"],
            port=cluster["Port"],
            user=cluster["MasterUsername"],
            password=password,
            dbname=cluster["DatabaseName"],
            sslmode="verify-full",
            sslrootcert=self.authority,
        ) as connection:
            connection.execute("SELECT 1")


@pytest.fixture
def rds(aws: t.Any, name: str) -> Rds:
    return Rds(aws, name)


def asked(rds: Rds, **more: t.Any) -> dict[str, t.Any]:
    return {
        "cluster_id": rds.cluster_id,
        "engine_version": "15",
        "database_name": "app",
        "master_username": "dbadmin",
        "manage_master_user_password": True,
        "scaling": {"min_capacity": 0.5, "max_capacity": 2},
        "members": [{"instance_id": f"{rds.cluster_id}-1"}],
        "wait_timeout": WAIT,
        **more,
    }


def test_the_life_of_a_cluster(run: t.Any, rds: Rds) -> None:
    first, second = f"{rds.cluster_id}-1", f"{rds.cluster_id}-2"
    wish = asked(
        rds,
        scaling={"min_capacity": 0, "max_capacity": 2, "seconds_until_auto_pause": 600},
        members=[{"instance_id": first}, {"instance_id": second, "promotion_tier": 3}],
        backup_retention_period=3,
        preferred_maintenance_window="Sun:03:30-Sun:04:30",
        deletion_protection=True,
        enable_http_endpoint=True,
        enabled_cloudwatch_logs_exports=["postgresql"],
        tags={"project": "demo"},
    )
    assert run(main, check=True, **wish)["changed"]
    assert not rds.exists
    results = run.matrix(main, **wish)
    assert rds.cluster["EngineMode"] == "provisioned"
    assert rds.cluster["ServerlessV2ScalingConfiguration"] == {
        "MinCapacity": 0.0,
        "MaxCapacity": 2.0,
        "SecondsUntilAutoPause": 600,
    }
    assert rds.cluster["HttpEndpointEnabled"]
    assert rds.cluster["EnabledCloudwatchLogsExports"] == ["postgresql"]
    assert rds.members == {first: (True, 1), second: (False, 3)}
    assert rds.tags == {"project": "demo"}
    rds.login()
    predicted, made = results[0]["cluster"], results[1]["cluster"]
    assert predicted.keys() == made.keys()
    only_aws_knows = (
        "arn",
        "resource_id",
        "endpoint",
        "reader_endpoint",
        "master_user_secret_arn",
        "members",
    )
    assert {key: value for key, value in predicted.items() if key not in only_aws_knows} == {
        key: value for key, value in made.items() if key not in only_aws_knows
    }
    assert results[0]["diff"] == results[1]["diff"]

    changes = {
        "cluster_id": rds.cluster_id,
        "scaling": {"max_capacity": 4},
        "backup_retention_period": 5,
        "enable_http_endpoint": False,
        "enabled_cloudwatch_logs_exports": [],
        "members": [{"instance_id": second, "promotion_tier": 0}],
        "tags": {"team": "db"},
        "wait_timeout": WAIT,
    }
    results = run.matrix(main, **changes)
    assert sorted(results[0]["changes"]) == sorted(changes.keys() - {"cluster_id", "wait_timeout"})
    assert rds.cluster["ServerlessV2ScalingConfiguration"]["MaxCapacity"] == 4.0
    assert rds.cluster["ServerlessV2ScalingConfiguration"]["SecondsUntilAutoPause"] == 600
    assert rds.cluster["BackupRetentionPeriod"] == 5
    assert not rds.cluster["HttpEndpointEnabled"]
    assert rds.cluster["DeletionProtection"], "what the task left out stays"
    assert rds.members == {second: (True, 0)}
    assert rds.tags == {"team": "db"}

    said = run.failure(main, cluster_id=rds.cluster_id, state="absent")
    assert "protected against deletion. Set allow_unprotect" in said
    assert run.calls.mutating == []
    results = run.matrix(
        main, cluster_id=rds.cluster_id, state="absent", allow_unprotect=True, wait_timeout=WAIT
    )
    assert not rds.exists
    snapshot = rds.client.describe_db_cluster_snapshots(
        DBClusterSnapshotIdentifier=results[1]["final_snapshot_id"]
    )["DBClusterSnapshots"][0]
    assert snapshot["Status"] == "available"


def test_a_given_password_is_only_sent_when_the_cluster_is_made(run: t.Any, rds: Rds) -> None:
    wish = asked(rds, manage_master_user_password=False, master_user_password=PASSWORD, members=[])
    results = run.matrix(main, **wish)
    assert PASSWORD not in json.dumps(results)
    rds.login(PASSWORD)
    other = f"other-{PASSWORD}"
    assert not run(main, **{**wish, "master_user_password": other})["changed"]
    result = run(main, **{**wish, "master_user_password": other}, update_password="always")
    assert result["changes"] == ["master_user_password"]
    assert other not in json.dumps(result)
    rds.login(other)


def test_a_killed_run_is_finished_by_the_next(run: t.Any, rds: Rds) -> None:
    rds.client.create_db_cluster(
        DBClusterIdentifier=rds.cluster_id,
        Engine="aurora-postgresql",
        MasterUsername="dbadmin",
        ManageMasterUserPassword=True,
        DatabaseName="app",
        ServerlessV2ScalingConfiguration={"MinCapacity": 0.5, "MaxCapacity": 2},
    )
    assert rds.cluster["Status"] == "creating"
    result = run(main, **asked(rds))
    assert result["changes"] == ["members"]
    assert rds.members == {f"{rds.cluster_id}-1": (True, 1)}
    assert not run(main, **asked(rds))["changed"]


def test_a_provisioned_cluster_gets_its_first_range(run: t.Any, rds: Rds) -> None:
    wish = asked(rds, members=[])
    run(main, **{key: value for key, value in wish.items() if key != "scaling"})
    assert "ServerlessV2ScalingConfiguration" not in rds.cluster
    run.matrix(main, **wish)
    assert rds.cluster["ServerlessV2ScalingConfiguration"] == {"MinCapacity": 0.5, "MaxCapacity": 2.0}


@pytest.fixture(scope="module")
def lasting(laboratory: t.Any) -> Rds:
    """One cluster for the tests that leave it as it was."""
    return Rds(laboratory, "lasting")


@pytest.fixture
def made(run: t.Any, aws: t.Any, lasting: Rds) -> dict[str, t.Any]:
    wish = asked(
        lasting,
        backup_retention_period=3,
        deletion_protection=False,
        copy_tags_to_snapshot=True,
        enable_iam_database_authentication=True,
        preferred_backup_window="02:00-03:00",
        tags={"project": "demo"},
    )
    run(main, **wish)
    return wish


@pytest.mark.parametrize(
    ("drift", "option"),
    [
        pytest.param({"BackupRetentionPeriod": 1}, "backup_retention_period", id="backups"),
        pytest.param({"DeletionProtection": True}, "deletion_protection", id="protection"),
        pytest.param({"CopyTagsToSnapshot": False}, "copy_tags_to_snapshot", id="tags of snapshots"),
        pytest.param({"PreferredBackupWindow": "05:00-06:00"}, "preferred_backup_window", id="window"),
        pytest.param(
            {"EnableIAMDatabaseAuthentication": False}, "enable_iam_database_authentication", id="IAM logins"
        ),
        pytest.param(
            {"ServerlessV2ScalingConfiguration": {"MinCapacity": 0.5, "MaxCapacity": 8}},
            "scaling",
            id="range",
        ),
    ],
)
def test_drift_is_named_and_repaired_and_nothing_else_is_touched(
    run: t.Any, lasting: Rds, made: dict[str, t.Any], drift: dict[str, t.Any], option: str
) -> None:
    before = lasting.cluster
    lasting.modify(**drift)
    results = run.matrix(main, **made)
    assert results[0]["changes"] == results[1]["changes"] == [option]
    assert list(results[0]["diff"]["before"]) == [option]
    after = lasting.cluster
    assert after.keys() == before.keys()
    assert {key for key in after if after[key] != before[key]} <= {"LatestRestorableTime"}


def test_a_repeated_run_reads_with_two_calls(run: t.Any, made: dict[str, t.Any]) -> None:
    run(main, check=True, **made)
    assert [call.operation for call in run.calls] == ["DescribeDBClusters", "DescribeDBInstances"]


@pytest.mark.parametrize("check", [pytest.param(True, id="check mode"), pytest.param(False, id="for real")])
@pytest.mark.parametrize(
    ("wish", "words"),
    [
        pytest.param({"engine_version": "14.1"}, "14.1 cannot be reached from 15.", id="downgrade"),
        pytest.param({"engine_version": "99"}, "99 cannot be reached from 15.", id="unknown version"),
        pytest.param({"database_name": "other"}, "database_name is 'app', not 'other'", id="fixed property"),
        pytest.param({"scaling": {"min_capacity": 0.3}}, "min_capacity is 0.3", id="no half step"),
    ],
)
def test_mistakes_change_nothing(
    run: t.Any, made: dict[str, t.Any], wish: dict[str, t.Any], words: str, check: bool
) -> None:
    assert words in run.failure(main, check=check, **{**made, **wish})
    assert run.calls.mutating == []


def test_a_new_cluster_of_an_unknown_version_is_refused_with_those_offered(run: t.Any, rds: Rds) -> None:
    assert "engine_version 99 is not offered in this region. Choose one of: 15." in run.failure(
        main, check=True, **asked(rds, engine_version="99")
    )


def test_the_last_state_is_in_a_timeout(run: t.Any, rds: Rds) -> None:
    said = run.failure(main, **asked(rds, wait_timeout=0))
    assert f"Waited 0 s for cluster {rds.cluster_id}; last seen: cluster {rds.cluster_id} creating" in said
    assert run(main, **asked(rds))["changed"]


def test_what_is_not_there_needs_no_deletion(run: t.Any, rds: Rds) -> None:
    for check in (True, False):
        assert not run(main, check=check, cluster_id=rds.cluster_id, state="absent")["changed"]


def test_a_connection_cut_after_the_request_makes_nothing_twice(
    run: t.Any, rds: Rds, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The request is repeated by botocore, and AWS answers that the thing is there already."""
    from ansible_collections.eks_observability.stack.plugins.module_utils._aurora import api

    for name in ("create_cluster", "create_member"):
        monkeypatch.setattr(api, name, twice(getattr(api, name)))
    run(main, **asked(rds))
    assert rds.members == {f"{rds.cluster_id}-1": (True, 1)}


def twice(call: t.Callable[..., None]) -> t.Callable[..., None]:
    def calling(*arguments: t.Any) -> None:
        call(*arguments)
        call(*arguments)

    return calling

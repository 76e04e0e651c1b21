"""aurora_subnet_group and aurora_parameter_group against the laboratory's AWS; boto3 sees every change."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.eks_observability.stack.plugins.modules import (
    aurora_parameter_group,
    aurora_security_group,
    aurora_subnet_group,
)
from botocore.exceptions import ClientError


@pytest.fixture
def rds(aws: t.Any) -> t.Any:
    return aws.client("rds")


@pytest.fixture
def subnets(aws: t.Any) -> list[str]:
    found: list[str] = aws.client("eks").describe_cluster(name="lab")["cluster"]["resourcesVpcConfig"][
        "subnetIds"
    ]
    return sorted(found)


def tags_of(rds: t.Any, arn: str) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in rds.list_tags_for_resource(ResourceName=arn)["TagList"]}


class SubnetGroup:
    """An administrator's view of one subnet group."""

    def __init__(self, rds: t.Any, name: str) -> None:
        self.rds, self.name = rds, name

    def seen(self) -> tuple[str, list[str], dict[str, str]] | None:
        """(description, subnets, tags)."""
        try:
            group = self.rds.describe_db_subnet_groups(DBSubnetGroupName=self.name)["DBSubnetGroups"][0]
        except ClientError:
            return None
        ids = sorted(subnet["SubnetIdentifier"] for subnet in group["Subnets"])
        return group["DBSubnetGroupDescription"], ids, tags_of(self.rds, group["DBSubnetGroupArn"])


def test_the_life_of_a_subnet_group(run: t.Any, rds: t.Any, name: str, subnets: list[str]) -> None:
    main, group = aurora_subnet_group.main, SubnetGroup(rds, name)
    wish = {"name": name, "description": "demo", "subnet_ids": subnets, "tags": {"project": "demo"}}
    assert run(main, check=True, **wish)["changed"]
    assert group.seen() is None
    results = run.matrix(main, **wish)
    assert results[0]["diff"] == results[1]["diff"]
    assert group.seen() == ("demo", subnets, {"project": "demo"})
    for change, after in (
        ({"description": "new"}, ("new", subnets, {"project": "demo"})),
        ({"subnet_ids": subnets[:2]}, ("new", subnets[:2], {"project": "demo"})),
        ({"tags": {"team": "db"}}, ("new", subnets[:2], {"team": "db"})),
    ):
        results = run.matrix(main, name=name, **change)
        assert results[0]["changes"] == results[1]["changes"] == list(change)
        assert group.seen() == after
    run.matrix(main, name=name, state="absent")
    assert group.seen() is None


@pytest.mark.parametrize(
    "field",
    [pytest.param("description"), pytest.param("subnet_ids"), pytest.param("tags")],
)
def test_drift_of_a_subnet_group_is_named_and_repaired(
    run: t.Any, rds: t.Any, name: str, subnets: list[str], field: str
) -> None:
    main, group = aurora_subnet_group.main, SubnetGroup(rds, name)
    wish = {"name": name, "description": "demo", "subnet_ids": subnets, "tags": {"project": "demo"}}
    run(main, **wish)
    before = group.seen()
    if field == "tags":
        arn = rds.describe_db_subnet_groups(DBSubnetGroupName=name)["DBSubnetGroups"][0]["DBSubnetGroupArn"]
        rds.add_tags_to_resource(ResourceName=arn, Tags=[{"Key": "project", "Value": "other"}])
    else:
        drift = {"description": ("other", subnets), "subnet_ids": ("demo", subnets[1:])}[field]
        rds.modify_db_subnet_group(
            DBSubnetGroupName=name, DBSubnetGroupDescription=drift[0], SubnetIds=drift[1]
        )
    results = run.matrix(main, **wish)
    assert list(results[0]["diff"]["before"]) == list(results[0]["diff"]["after"]) == [field]
    assert group.seen() == before


@pytest.fixture
def network(aws: t.Any) -> dict[str, t.Any]:
    found: dict[str, t.Any] = aws.client("eks").describe_cluster(name="lab")["cluster"]["resourcesVpcConfig"]
    return found


class SecurityGroup:
    """An administrator's view of one security group."""

    def __init__(self, ec2: t.Any, name: str, vpc: str) -> None:
        self.ec2, self.name, self.vpc = ec2, name, vpc

    @property
    def found(self) -> dict[str, t.Any] | None:
        filters = [{"Name": "group-name", "Values": [self.name]}, {"Name": "vpc-id", "Values": [self.vpc]}]
        groups = self.ec2.describe_security_groups(Filters=filters)["SecurityGroups"]
        return dict(groups[0]) if groups else None

    def seen(self) -> tuple[list[tuple[int, str]], int, dict[str, str]] | None:
        """((port, source) of those who may come in, number of rules that let out, tags)."""
        group = self.found
        if group is None:
            return None
        names = {"UserIdGroupPairs": "GroupId", "IpRanges": "CidrIp", "Ipv6Ranges": "CidrIpv6"}
        come_in = [
            (rule["FromPort"], source[name])
            for rule in group["IpPermissions"]
            for kind, name in names.items()
            for source in rule.get(kind, [])
        ]
        tags = {tag["Key"]: tag["Value"] for tag in group.get("Tags", [])}
        return sorted(come_in), len(group["IpPermissionsEgress"]), tags


@pytest.fixture
def firewall(aws: t.Any, name: str, network: dict[str, t.Any]) -> SecurityGroup:
    return SecurityGroup(aws.client("ec2"), name, network["vpcId"])


def test_the_life_of_a_security_group(run: t.Any, firewall: SecurityGroup, network: dict[str, t.Any]) -> None:
    main, pods = aurora_security_group.main, network["clusterSecurityGroupId"]
    wish = {"name": firewall.name, "vpc_id": firewall.vpc, "source_group_ids": [pods]}
    assert "a new one needs a description" in run.failure(main, check=True, **wish)
    wish |= {"description": "demo", "tags": {"project": "demo"}}
    results = run.matrix(main, **wish)
    assert results[0]["group_id"] is None
    assert firewall.found
    assert results[1]["group_id"] == firewall.found["GroupId"]
    assert firewall.seen() == ([(5432, pods)], 0, {"project": "demo"})
    more = {**wish, "port": 5433, "source_cidrs": ["10.0.0.0/8", "2001:db8::/32"], "tags": {"team": "db"}}
    results = run.matrix(main, **more)
    assert results[0]["changes"] == ["ingress", "tags"]
    assert firewall.seen() == (
        [(5433, "10.0.0.0/8"), (5433, "2001:db8::/32"), (5433, pods)],
        0,
        {"team": "db"},
    )
    run.matrix(main, name=firewall.name, vpc_id=firewall.vpc, state="absent")
    assert firewall.seen() is None


@pytest.mark.parametrize("cidr", ["0.0.0.0/0", "::/0", "0.0.0.0/00"])
def test_everybody_is_never_let_in(run: t.Any, firewall: SecurityGroup, cidr: str) -> None:
    wish = {"name": firewall.name, "vpc_id": firewall.vpc, "description": "demo", "source_cidrs": [cidr]}
    for check in (True, False):
        assert "would let in everybody" in run.failure(aurora_security_group.main, check=check, **wish)
    assert firewall.seen() is None


@pytest.mark.parametrize("field", ["ingress", "egress", "tags"])
def test_drift_of_a_security_group_is_named_and_repaired(
    run: t.Any, firewall: SecurityGroup, network: dict[str, t.Any], field: str
) -> None:
    wish = {
        "name": firewall.name,
        "vpc_id": firewall.vpc,
        "description": "demo",
        "source_group_ids": [network["clusterSecurityGroupId"]],
        "tags": {"project": "demo"},
    }
    group = run(aurora_security_group.main, **wish)["group_id"]
    before = firewall.seen()
    everything = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    ssh = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    if field == "ingress":
        firewall.ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[ssh])
    elif field == "egress":
        firewall.ec2.authorize_security_group_egress(GroupId=group, IpPermissions=[everything])
    else:
        firewall.ec2.create_tags(Resources=[group], Tags=[{"Key": "stray", "Value": "x"}])
    assert firewall.seen() != before
    results = run.matrix(aurora_security_group.main, **wish)
    assert results[0]["changes"] == [field]
    assert {"ingress": "tcp 22, 0.0.0.0/0", "egress": "all protocols all ports, 0.0.0.0/0", "tags": "stray"}[
        field
    ] in str(results[0]["diff"]["before"])
    assert firewall.seen() == before


class Parameters:
    """An administrator's view of one parameter group."""

    def __init__(self, rds: t.Any, name: str) -> None:
        self.rds, self.name = rds, name

    @property
    def exists(self) -> bool:
        groups = self.rds.describe_db_cluster_parameter_groups()["DBClusterParameterGroups"]
        return self.name in [group["DBClusterParameterGroupName"] for group in groups]

    @property
    def chosen(self) -> dict[str, str]:
        pages = self.rds.get_paginator("describe_db_cluster_parameters").paginate(
            DBClusterParameterGroupName=self.name, Source="user"
        )
        return {one["ParameterName"]: one["ParameterValue"] for page in pages for one in page["Parameters"]}

    def set(self, name: str, value: str, method: str = "immediate") -> None:
        parameter = {"ParameterName": name, "ParameterValue": value, "ApplyMethod": method}
        self.rds.modify_db_cluster_parameter_group(
            DBClusterParameterGroupName=self.name, Parameters=[parameter]
        )


@pytest.fixture
def group(rds: t.Any, name: str) -> Parameters:
    return Parameters(rds, name)


@pytest.fixture
def asked(rds: t.Any, name: str) -> dict[str, t.Any]:
    family = rds.describe_db_engine_versions()["DBEngineVersions"][0]["DBParameterGroupFamily"]
    return {
        "name": name,
        "family": family,
        "description": "demo",
        "parameters": {"log_lock_waits": True, "log_min_duration_statement": 1000},
        "tags": {"project": "demo"},
    }


def test_the_life_of_a_parameter_group(run: t.Any, group: Parameters, asked: dict[str, t.Any]) -> None:
    main = aurora_parameter_group.main
    assert run(main, check=True, **asked)["changed"]
    assert not group.exists
    results = run.matrix(main, **asked)
    assert results[0]["diff"] == results[1]["diff"]
    assert group.chosen == {"log_lock_waits": "1", "log_min_duration_statement": "1000"}
    results = run.matrix(
        main, name=group.name, parameters={"log_lock_waits": False, "track_activity_query_size": 8192}
    )
    assert results[1]["changes"] == ["log_lock_waits", "track_activity_query_size"]
    assert results[1]["static"] == ["track_activity_query_size"]
    assert group.chosen == {
        "log_lock_waits": "0",
        "log_min_duration_statement": "1000",
        "track_activity_query_size": "8192",
    }
    run.matrix(main, name=group.name, parameters={"log_min_duration_statement": None})
    assert "log_min_duration_statement" not in group.chosen
    run.matrix(main, name=group.name, state="absent")
    assert not group.exists


def test_items_are_added_to_a_list_and_those_of_others_stay(
    run: t.Any, group: Parameters, asked: dict[str, t.Any]
) -> None:
    run(aurora_parameter_group.main, **asked)
    group.set("shared_preload_libraries", "pg_cron", "pending-reboot")
    run.matrix(
        aurora_parameter_group.main,
        name=group.name,
        parameters={"shared_preload_libraries": ["auto_explain"]},
    )
    assert group.chosen["shared_preload_libraries"] == "pg_cron,auto_explain"


@pytest.mark.parametrize(
    ("parameter", "value"), [("log_lock_waits", "0"), ("log_min_duration_statement", "5")]
)
def test_drift_of_a_parameter_is_named_and_repaired(
    run: t.Any, group: Parameters, asked: dict[str, t.Any], parameter: str, value: str
) -> None:
    run(aurora_parameter_group.main, **asked)
    before = group.chosen
    group.set(parameter, value)
    results = run.matrix(aurora_parameter_group.main, **asked)
    assert list(results[0]["diff"]["before"]) == [parameter]
    assert group.chosen == before


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param({"family": "aurora-postgresql9"}, "AWS fixes this at creation", id="another family"),
        pytest.param(
            {"parameters": {"log_lock_wait": 1}}, "Did you mean log_lock_waits", id="no such parameter"
        ),
        pytest.param(
            {"parameters": {"log_min_duration_statement": "soon"}},
            "Invalid parameter value: soon",
            id="refused by AWS",
        ),
    ],
)
def test_mistakes(run: t.Any, group: Parameters, asked: dict[str, t.Any], change: t.Any, words: str) -> None:
    run(aurora_parameter_group.main, **asked)
    before = group.chosen
    assert words in run.failure(aurora_parameter_group.main, **{**asked, **change})
    assert group.chosen == before

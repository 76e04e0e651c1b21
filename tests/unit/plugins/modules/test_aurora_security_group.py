"""aurora_security_group against the laboratory's AWS; every change is seen by boto3."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.eks_observability.stack.plugins.modules.aurora_security_group import main


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
    pods = network["clusterSecurityGroupId"]
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
        assert "would let in everybody" in run.failure(main, check=check, **wish)
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
    group = run(main, **wish)["group_id"]
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
    results = run.matrix(main, **wish)
    assert results[0]["changes"] == [field]
    assert {"ingress": "tcp 22, 0.0.0.0/0", "egress": "all protocols all ports, 0.0.0.0/0", "tags": "stray"}[
        field
    ] in str(results[0]["diff"]["before"])
    assert firewall.seen() == before

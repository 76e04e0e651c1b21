"""What the account holds before anyone asks: administrator, network, EKS cluster, OIDC provider."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any, Protocol

from moto.ec2.models import ec2_backends
from moto.eks.models import eks_backends
from moto.iam.models import iam_backends

from lab.aws.iam import PARTITION
from lab.settings import ADMINISTRATOR, Settings

AUDIENCE = "sts.amazonaws.com"
KUBERNETES_VERSION = "1.33"
VPC_NAME = "lab"
_VPC_BLOCK = "10.0.0.0/16"
_EVERYTHING = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
}


class ApiServer(Protocol):
    """Where the EKS cluster's Kubernetes answers."""

    @property
    def server(self) -> str:
        """Its URL."""

    @property
    def authority(self) -> Path:
        """The certificate that clients need."""


def create_administrator(settings: Settings) -> tuple[str, str]:
    """Create a user who may do everything; returns access key id and secret access key."""
    iam = iam_backends[settings.account][PARTITION]
    iam.create_user(settings.region, ADMINISTRATOR)
    iam.put_user_policy(ADMINISTRATOR, "everything", json.dumps(_EVERYTHING))
    key = iam.create_access_key(user_name=ADMINISTRATOR)
    return str(key.access_key_id), str(key.secret_access_key)


def create_eks_cluster(settings: Settings, kubernetes: ApiServer) -> None:
    """Create the EKS cluster in a VPC of its own, with its OIDC provider in IAM."""
    vpc, subnets, group = _create_network(settings)
    role = f"arn:{PARTITION}:iam::{settings.account}:role/eks-{settings.eks_cluster}"
    cluster: Any = eks_backends[settings.account][settings.region].create_cluster(
        name=settings.eks_cluster,
        role_arn=role,
        version=KUBERNETES_VERSION,
        resources_vpc_config={
            "vpcId": vpc,
            "subnetIds": subnets,
            "securityGroupIds": [],
            "clusterSecurityGroupId": group,
            "endpointPublicAccess": True,
            "endpointPrivateAccess": True,
            "publicAccessCidrs": ["0.0.0.0/0"],
        },
    )
    cluster.endpoint = kubernetes.server
    cluster.certificate_authority = {"data": base64.b64encode(kubernetes.authority.read_bytes()).decode()}
    cluster.identity = {"oidc": {"issuer": settings.issuer}}
    iam_backends[settings.account][PARTITION].create_open_id_connect_provider(
        url=settings.issuer, thumbprint_list=[], client_id_list=[AUDIENCE], tags=[]
    )


def _create_network(settings: Settings) -> tuple[str, list[str], str]:
    ec2 = ec2_backends[settings.account][settings.region]
    vpc = ec2.create_vpc(_VPC_BLOCK)
    vpc.add_tags({"Name": VPC_NAME})
    subnets = []
    for number, letter in enumerate("abc"):
        block, zone = f"10.0.{number * 16}.0/20", f"{settings.region}{letter}"
        subnet = ec2.create_subnet(vpc.id, block, availability_zone=zone)
        subnet.add_tags({"Name": f"{VPC_NAME}-private-{letter}", "kubernetes.io/role/internal-elb": "1"})
        subnets.append(str(subnet.id))
    group = ec2.create_security_group(
        name=f"eks-cluster-sg-{settings.eks_cluster}",
        description="EKS created security group applied to the control plane and the nodes",
        vpc_id=vpc.id,
        tags={"aws:eks:cluster-name": settings.eks_cluster},
    )
    return str(vpc.id), subnets, str(group.id)

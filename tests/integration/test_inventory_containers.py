"""Clusters and services, as AWS tells of them."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest

from orchestration.lib.config_inventory import InventorySource
from orchestration.lib.inventory.aws import asked_of_aws
from orchestration.lib.inventory.lists import LISTS
from tests.support.moto_server import moto_server, set_credentials

REGION = "eu-west-1"
ROLE = "arn:aws:iam::123456789012:role/eks"


def rows(lists: dict[str, list[Any]], name: str) -> dict[str, dict[str, Any]]:
    """Of each resource of a list what is said of it, by the end of its id."""
    names = [field.name for field in LISTS[name]]
    found = [dict(zip(names, entry, strict=True)) for entry in lists[name]]
    return {row["resource_id"].rsplit("/", 1)[-1]: row for row in found}


def test_clusters_say_what_is_in_them_and_services_the_size_of_their_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    set_credentials(monkeypatch)
    with moto_server() as address:
        ecs, eks, ec2 = (boto3.client(name, region_name=REGION, endpoint_url=address) for name in ("ecs", "eks", "ec2"))
        for cluster in ("shop", "forgotten"):
            ecs.create_cluster(clusterName=cluster)
        for family, more in (("web", {"cpu": "1024", "memory": "4096"}), ("batch", {})):
            container = {"name": family, "image": "x", "cpu": 1, "memory": 64}
            ecs.register_task_definition(family=family, containerDefinitions=[container], **more)
            ecs.create_service(
                cluster="shop",
                serviceName=family,
                taskDefinition=family,
                desiredCount=0,
                launchType="FARGATE" if more else "EC2",
            )
        subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
        for cluster in ("bare", "karpenter", "serverless"):
            eks.create_cluster(name=cluster, roleArn=ROLE, resourcesVpcConfig={"subnetIds": [subnet]})
        eks.create_fargate_profile(
            fargateProfileName="all", clusterName="serverless", podExecutionRoleArn=ROLE, selectors=[{"namespace": "x"}]
        )
        tags = [{"Key": "kubernetes.io/cluster/karpenter", "Value": "owned"}]
        ec2.run_instances(
            ImageId="ami-12c6146b",
            MinCount=2,
            MaxCount=2,
            TagSpecifications=[{"ResourceType": "instance", "Tags": tags}],
        )
        node = ec2.run_instances(ImageId="ami-12c6146b", MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"]
        ecs.register_container_instance(
            cluster="forgotten", instanceIdentityDocument=json.dumps({"instanceId": node}), totalResources=[]
        )
        lists = asked_of_aws(InventorySource(name="estate", regions=(REGION,), endpoint_url=address))
    clusters = rows(lists, "clusters")
    assert {name: (row["cluster_kind"], row["node_count"]) for name, row in clusters.items()} == {
        "shop": ("ecs", 0),
        "forgotten": ("ecs", 0),
        "bare": ("eks", 0),
        "karpenter": ("eks", 2),
        "serverless": ("eks", None),
    }
    assert (clusters["shop"]["instances"], clusters["forgotten"]["instances"]) == (None, node)
    services = rows(lists, "services")
    web, batch = services["web"], services["batch"]
    assert (web["launch_type"], web["cpu_units"], web["memory_mib"]) == ("FARGATE", 1024, 4096)
    assert (batch["launch_type"], batch["cpu_units"], batch["memory_mib"]) == ("EC2", None, None)
    assert web["resource_id"] == f"arn:aws:ecs:{REGION}:123456789012:service/shop/web"

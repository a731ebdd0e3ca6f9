"""Ask AWS what there is in an account: describe calls in each region, patiently, and what is missing for each that is refused."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from orchestration.lib.config_inventory import InventorySource
from orchestration.lib.inventory import aws_containers as containers
from orchestration.lib.inventory.aws_buckets import buckets
from orchestration.lib.inventory.aws_session import AwsSession
from orchestration.lib.inventory.entries import Entry, checked

Row = dict[str, Any]
_STOPPED_ON = re.compile(r"\((\d{4}-\d\d-\d\d)")


def asked_of_aws(source: InventorySource) -> dict[str, list[Entry]]:
    """Every list of an account. Raises FinopsError for the first call that is refused, with the permission that it needs."""
    session = AwsSession(source)
    observed = datetime.now(UTC).date().isoformat()
    account = str(session.call(source.regions[0] if source.regions else None, "sts", "get_caller_identity")["Account"])
    lists: dict[str, list[tuple[str, Mapping[str, Any]]]] = {}

    def keep(name: str, region: str | None, rows: Iterator[Row]) -> None:
        common = {"sub_account_id": account, "region_id": region, "observed_on": observed}
        where = f"{source.name}: {name} of {account} in {region}"
        lists.setdefault(name, []).extend(
            (f"{where}, number {number}", common | row) for number, row in enumerate(rows, start=1)
        )

    for region in source.regions or ():
        for name, asked in _LISTS:
            keep(name, region, asked(session, region))
    for region, row in buckets(session, source.regions or ()):
        keep("buckets", region, iter([row]))
    return {name: checked(name, rows) for name, rows in lists.items()}


def _instances(session: AwsSession, region: str) -> Iterator[Row]:
    for reservation in session.pages(region, "ec2", "describe_instances", "Reservations"):
        for one in reservation["Instances"]:
            state = one["State"]["Name"]
            if state not in ("terminated", "shutting-down"):
                yield {
                    "resource_id": one["InstanceId"],
                    "resource_type": "Instance",
                    "instance_type": one["InstanceType"],
                    "state": state,
                    "state_since": _stopped_on(one) if state == "stopped" else None,
                    "created_on": one["LaunchTime"],
                }
    for one in session.pages(region, "rds", "describe_db_instances", "DBInstances"):
        yield {
            "resource_id": one["DBInstanceArn"],
            "resource_type": "DB Instance",
            "instance_type": one["DBInstanceClass"],
            "state": "running" if one["DBInstanceStatus"] == "available" else one["DBInstanceStatus"],
            "created_on": one.get("InstanceCreateTime"),
        }


def _stopped_on(instance: Row) -> str | None:
    """`User initiated (2026-08-01 10:00:00 GMT)` is all that is said of it."""
    found = _STOPPED_ON.search(instance.get("StateTransitionReason") or "")
    return found[1] if found else None


def _volumes(session: AwsSession, region: str) -> Iterator[Row]:
    for one in session.pages(region, "ec2", "describe_volumes", "Volumes"):
        attached = one.get("Attachments") or [{}]
        yield {
            "resource_id": one["VolumeId"],
            "volume_type": one["VolumeType"],
            "size_gb": one["Size"],
            "iops": one.get("Iops"),
            "throughput_mbps": one.get("Throughput"),
            "state": one["State"],
            "attached_to": attached[0].get("InstanceId"),
            "created_on": one["CreateTime"],
        }


def _snapshots(session: AwsSession, region: str) -> Iterator[Row]:
    images = {
        disk["Ebs"]["SnapshotId"]: image["ImageId"]
        for image in session.pages(region, "ec2", "describe_images", "Images", Owners=["self"])
        for disk in image.get("BlockDeviceMappings", [])
        if disk.get("Ebs", {}).get("SnapshotId")
    }
    found = list(session.pages(region, "ec2", "describe_snapshots", "Snapshots", OwnerIds=["self"]))
    newest: dict[str, tuple[Any, str]] = {}
    for one in found:
        newest[one["VolumeId"]] = max(
            newest.get(one["VolumeId"], (one["StartTime"], "")), (one["StartTime"], one["SnapshotId"])
        )
    for one in found:
        yield {
            "resource_id": one["SnapshotId"],
            "volume_id": one["VolumeId"],
            "size_gb": one["VolumeSize"],
            "image_id": images.get(one["SnapshotId"]),
            "is_newest": newest[one["VolumeId"]][1] == one["SnapshotId"],
            "created_on": one["StartTime"],
        }


def _addresses(session: AwsSession, region: str) -> Iterator[Row]:
    for one in session.call(region, "ec2", "describe_addresses")["Addresses"]:
        yield {
            "resource_id": one.get("AllocationId") or one["PublicIp"],
            "public_ip": one.get("PublicIp"),
            "attached_to": one.get("AssociationId") or one.get("InstanceId") or one.get("NetworkInterfaceId"),
        }


def _load_balancers(session: AwsSession, region: str) -> Iterator[Row]:
    groups: dict[str, list[str]] = {}
    for group in session.pages(region, "elbv2", "describe_target_groups", "TargetGroups"):
        for arn in group.get("LoadBalancerArns", []):
            groups.setdefault(arn, []).append(group["TargetGroupArn"])
    for one in session.pages(region, "elbv2", "describe_load_balancers", "LoadBalancers"):
        targets = [
            target
            for group in groups.get(one["LoadBalancerArn"], [])
            for target in session.call(region, "elbv2", "describe_target_health", TargetGroupArn=group)[
                "TargetHealthDescriptions"
            ]
        ]
        yield {
            "resource_id": one["LoadBalancerArn"],
            "balancer_type": one.get("Type"),
            "state": one.get("State", {}).get("Code"),
            "target_count": len(targets),
            "created_on": one.get("CreatedTime"),
        }


def _nat_gateways(session: AwsSession, region: str) -> Iterator[Row]:
    for one in session.pages(region, "ec2", "describe_nat_gateways", "NatGateways"):
        if one["State"] != "deleted":
            yield {"resource_id": one["NatGatewayId"], "state": one["State"], "created_on": one.get("CreateTime")}


def _clusters(session: AwsSession, region: str) -> Iterator[Row]:
    """Nodes of EKS are the wanted sizes of its node groups, or the instances that carry its tag, as those of all other managers do.

    A cluster without either that has profiles of Fargate, or nodes elsewhere, may run pods that no call to AWS tells of: then they are
    not known.
    """
    for name in session.pages(region, "eks", "list_clusters", "clusters"):
        cluster = session.call(region, "eks", "describe_cluster", name=name)["cluster"]
        groups = list(session.pages(region, "eks", "list_nodegroups", "nodegroups", clusterName=name))
        sizes = [
            session.call(region, "eks", "describe_nodegroup", clusterName=name, nodegroupName=group)["nodegroup"]
            .get("scalingConfig", {})
            .get("desiredSize", 0)
            for group in groups
        ]
        tags = [f"kubernetes.io/cluster/{name}", f"aws:eks:cluster-name={name}"]
        nodes = max(sum(sizes), *(_running(session, region, tag) for tag in tags))
        profiles = nodes or list(
            session.pages(region, "eks", "list_fargate_profiles", "fargateProfileNames", clusterName=name)
        )
        yield {
            "resource_id": cluster["arn"],
            "cluster_kind": "eks",
            "node_count": nodes if nodes or not (profiles or cluster.get("remoteNetworkConfig")) else None,
            "created_on": cluster.get("createdAt"),
        }
    yield from containers.clusters(session, region)


def _running(session: AwsSession, region: str, tag: str) -> int:
    """Running instances with a tag, whatever its value where none is told."""
    name, _, value = tag.partition("=")
    filters = [
        {"Name": f"tag:{name}", "Values": [value]} if value else {"Name": "tag-key", "Values": [name]},
        {"Name": "instance-state-name", "Values": ["pending", "running"]},
    ]
    found = session.pages(region, "ec2", "describe_instances", "Reservations", Filters=filters)
    return sum(len(one["Instances"]) for one in found)


_LISTS: tuple[tuple[str, Callable[[AwsSession, str], Iterator[Row]]], ...] = (
    ("instances", _instances),
    ("volumes", _volumes),
    ("snapshots", _snapshots),
    ("addresses", _addresses),
    ("load_balancers", _load_balancers),
    ("nat_gateways", _nat_gateways),
    ("clusters", _clusters),
    ("services", containers.services),
)

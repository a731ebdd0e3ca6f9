"""Clusters of ECS and their services, with the size of their tasks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from orchestration.lib.inventory.aws_session import AwsSession

Row = dict[str, Any]
_CLUSTERS_IN_CALL = 100
_SERVICES_IN_CALL = 10
_INSTANCES_IN_CALL = 100


def clusters(session: AwsSession, region: str) -> Iterator[Row]:
    """A cluster with its tasks and instances: it costs nothing itself, but they do."""
    arns = list(session.pages(region, "ecs", "list_clusters", "clusterArns"))
    for some in _batches(arns, _CLUSTERS_IN_CALL):
        for one in session.call(region, "ecs", "describe_clusters", clusters=some)["clusters"]:
            yield {
                "resource_id": one["clusterArn"],
                "cluster_kind": "ecs",
                "node_count": one.get("runningTasksCount", 0) + one.get("pendingTasksCount", 0),
                "instances": " ".join(sorted(_instances(session, region, one["clusterArn"]))),
            }


def _instances(session: AwsSession, region: str, cluster: str) -> Iterator[str]:
    arns = list(session.pages(region, "ecs", "list_container_instances", "containerInstanceArns", cluster=cluster))
    for some in _batches(arns, _INSTANCES_IN_CALL):
        answer = session.call(region, "ecs", "describe_container_instances", cluster=cluster, containerInstances=some)
        yield from (one["ec2InstanceId"] for one in answer["containerInstances"] if one.get("ec2InstanceId"))


def services(session: AwsSession, region: str) -> Iterator[Row]:
    """A service as its task definition says that its tasks are."""
    for cluster in session.pages(region, "ecs", "list_clusters", "clusterArns"):
        arns = list(session.pages(region, "ecs", "list_services", "serviceArns", cluster=cluster))
        for some in _batches(arns, _SERVICES_IN_CALL):
            answer = session.call(region, "ecs", "describe_services", cluster=cluster, services=some)
            for one in answer["services"]:
                definition = session.call(
                    region, "ecs", "describe_task_definition", taskDefinition=one["taskDefinition"]
                )["taskDefinition"]
                platform = definition.get("runtimePlatform", {}).get("operatingSystemFamily")
                yield {
                    "resource_id": one["serviceArn"],
                    "launch_type": _launch_type(one),
                    "cpu_units": definition.get("cpu"),
                    "memory_mib": definition.get("memory"),
                    "operating_system": platform,
                    "created_on": one.get("createdAt"),
                }


def _batches(arns: list[str], size: int) -> Iterator[list[str]]:
    """What one call may ask for, again and again."""
    return (arns[begin : begin + size] for begin in range(0, len(arns), size))


def _launch_type(service: Row) -> str:
    """Where its tasks run; capacity providers other than those of Fargate are instances."""
    providers = [one["capacityProvider"] for one in service.get("capacityProviderStrategy", [])]
    if providers:
        return "FARGATE" if all(name.startswith("FARGATE") for name in providers) else "EC2"
    return str(service.get("launchType") or "EC2")

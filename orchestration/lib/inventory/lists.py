"""The lists of an inventory: which there are, and what they say of each resource."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["text", "date", "bigint", "boolean"]


@dataclass(frozen=True)
class Field:
    """A column of a list. One that is not `needed` may be missing or empty: then it is not known."""

    name: str
    kind: Kind
    meaning: str
    needed: bool = False


_COMMON = (
    Field("resource_id", "text", "Id or ARN; the bill may have either.", needed=True),
    Field("sub_account_id", "text", "Account that it is in."),
    Field("region_id", "text", "Region that it is in."),
    Field("observed_on", "date", "Day on which it was there.", needed=True),
)
_CREATED = Field("created_on", "date", "Day on which it was made.")
_STATE_SINCE = Field("state_since", "date", "Day since which it is in its state.")
_ATTACHED = Field("attached_to", "text", "What it is attached to; empty where to nothing.")

LISTS: dict[str, tuple[Field, ...]] = {
    "instances": (
        *_COMMON,
        Field("resource_type", "text", "Instance or DB Instance."),
        Field("instance_type", "text", "Its size."),
        Field("state", "text", "running, stopped, …", needed=True),
        _STATE_SINCE,
        _CREATED,
    ),
    "volumes": (
        *_COMMON,
        Field("volume_type", "text", "gp2, gp3, …", needed=True),
        Field("size_gb", "bigint", "Its size in GiB.", needed=True),
        Field("iops", "bigint", "IOPS that it is provisioned for."),
        Field("throughput_mbps", "bigint", "MiB a second that it is provisioned for."),
        Field("state", "text", "in-use or available.", needed=True),
        _STATE_SINCE,
        _ATTACHED,
        _CREATED,
    ),
    "snapshots": (
        *_COMMON,
        Field("volume_id", "text", "Volume that it is a copy of."),
        Field("size_gb", "bigint", "Size of the volume in GiB."),
        Field("image_id", "text", "Image that is made of it; empty where none is."),
        Field("is_newest", "boolean", "Whether no later snapshot of its volume is there.", needed=True),
        Field("created_on", "date", "Day on which it was made.", needed=True),
    ),
    "addresses": (*_COMMON, Field("public_ip", "text", "The address."), _ATTACHED),
    "load_balancers": (
        *_COMMON,
        Field("balancer_type", "text", "application, network, …"),
        Field("state", "text", "active, …"),
        Field("target_count", "bigint", "Registered targets; empty where not known."),
        _CREATED,
    ),
    "nat_gateways": (*_COMMON, Field("state", "text", "available, …"), _CREATED),
    "clusters": (
        *_COMMON,
        Field("cluster_kind", "text", "eks, ecs, …"),
        Field("node_count", "bigint", "Nodes of EKS, tasks of ECS that run in it; empty where not known."),
        Field("instances", "text", "Ids of the instances that ECS runs tasks on, with blanks between."),
        _CREATED,
    ),
    "services": (
        *_COMMON,
        Field("launch_type", "text", "FARGATE, EC2, …", needed=True),
        Field("cpu_units", "bigint", "CPU of each task, 1,024 for a vCPU; empty where not known."),
        Field("memory_mib", "bigint", "Memory of each task in MiB; empty where not known."),
        Field("operating_system", "text", "LINUX, …"),
        _CREATED,
    ),
    "buckets": (
        *_COMMON,
        Field("storage_class", "text", "Class of these objects, such as STANDARD.", needed=True),
        Field("part", "text", "current, noncurrent_versions or incomplete_uploads.", needed=True),
        Field("age_from_days", "bigint", "These objects are at least so old; empty where ages are not known."),
        Field("age_to_days", "bigint", "They are younger than this; empty where ages have no end."),
        Field("stored_bytes", "bigint", "Bytes of these objects.", needed=True),
        Field("object_count", "bigint", "How many objects they are; empty where not known."),
        Field("retrieved_bytes", "bigint", "Bytes read of them in the period; empty where not known."),
        Field("get_requests", "bigint", "Reads of them in the period; empty where not known."),
        Field("period_days", "bigint", "Days that were looked at for reads."),
    ),
}
"""List -> its columns. A bucket has a row for each class, part and age of its objects; the others one for each resource."""
KEYS = dict.fromkeys(LISTS, ("resource_id", "sub_account_id")) | {
    "buckets": ("resource_id", "storage_class", "part", "age_from_days")
}
"""What a row of a list is told apart by."""

"""PostgreSQL settings for the machine: its defaults are made for a computer of 128 MB."""

import os
import shutil
from pathlib import Path

MB = 1024**2
GB = 1024**3

# Parallel queries share memory here; Docker gives a container 64 MB of it unless told otherwise.
SHARED_MEMORY_MOUNT = Path("/dev/shm")  # noqa: S108
SHARED_MEMORY_WANTED = 1 * GB

CGROUP_MEMORY_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))


def machine_memory() -> int:
    """Bytes of memory this process may use: the machine's, or the container's limit if that is less."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for limit_file in CGROUP_MEMORY_LIMITS:
        try:
            limit = limit_file.read_text().strip()
        except OSError:
            continue
        if limit.isdigit():  # "max" means none
            memory = min(memory, int(limit))
    return memory


def machine_cores() -> int:
    """Processor cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def tuned_settings(*, memory: int, cores: int, disk_free: int, shared_memory: int | None) -> dict[str, str]:
    """Settings by name, for a machine of `memory` bytes and `cores`, with `disk_free` bytes left for the database.

    `shared_memory` is the size in bytes of the mount for shared memory, None where the system has no such mount.
    Few connections do heavy work here (two loaders, dbt, a report), so each may have a good share of the memory.
    """
    max_wal_size = _between(disk_free // 10, 128 * MB, 16 * GB)
    settings = {
        "shared_buffers": _megabytes(_between(memory // 4, 128 * MB, 8 * GB)),
        "effective_cache_size": _megabytes(_between(memory * 5 // 8, 256 * MB, 1024 * GB)),
        "work_mem": _megabytes(_between(memory // 96, 8 * MB, 256 * MB)),
        "maintenance_work_mem": _megabytes(_between(memory // 16, 64 * MB, 2 * GB)),
        "max_wal_size": _megabytes(max_wal_size),
        "min_wal_size": _megabytes(min(max_wal_size // 2, 2 * GB)),
        "checkpoint_timeout": "15min",
        "wal_compression": "on",
        # No standby reads this log. At this level a table made and filled in one transaction, as dbt makes them, is
        # written once and synced at commit instead of being written twice.
        "wal_level": "minimal",
        "max_wal_senders": "0",
        "synchronous_commit": "on",
        "max_worker_processes": str(cores + 8),
        "max_parallel_workers": str(cores),
        "max_parallel_workers_per_gather": str(cores),
        "max_parallel_maintenance_workers": str(cores),
        "random_page_cost": "1.1",
        # Compiling takes longer than it saves on queries of seconds.
        "jit": "off",
        "timezone": "UTC",
        "log_timezone": "UTC",
    }
    if shared_memory is not None and shared_memory < SHARED_MEMORY_WANTED:
        settings["dynamic_shared_memory_type"] = "mmap"
    return settings


def machine_settings(data_parent: Path) -> dict[str, str]:
    """The settings for this machine, with the data below `data_parent` (an existing directory)."""
    mount = SHARED_MEMORY_MOUNT
    return tuned_settings(
        memory=machine_memory(),
        cores=machine_cores(),
        disk_free=shutil.disk_usage(data_parent).free,
        shared_memory=shutil.disk_usage(mount).total if mount.is_dir() else None,
    )


def _between(value: int, low: int, high: int) -> int:
    return max(low, min(value, high))


def _megabytes(value: int) -> str:
    return f"{value // MB}MB"

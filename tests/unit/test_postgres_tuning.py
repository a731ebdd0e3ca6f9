"""Settings of the embedded server for machines of all sizes."""

import pytest

from orchestration.lib.postgres_tuning import GB, MB, machine_cores, machine_memory, tuned_settings


def megabytes(setting: str) -> int:
    return int(setting.removesuffix("MB"))


@pytest.mark.parametrize(
    ("memory", "shared_buffers", "work_mem"),
    [(512 * MB, 128, 8), (4 * GB, 1024, 42), (24 * GB, 6144, 256), (256 * GB, 8192, 256)],
)
def test_memory_is_shared_out_within_bounds(memory: int, shared_buffers: int, work_mem: int) -> None:
    settings = tuned_settings(memory=memory, cores=4, disk_free=100 * GB, shared_memory=16 * GB)
    assert megabytes(settings["shared_buffers"]) == shared_buffers
    assert megabytes(settings["work_mem"]) == work_mem


def test_the_log_leaves_room_on_a_small_disk() -> None:
    settings = tuned_settings(memory=8 * GB, cores=2, disk_free=500 * MB, shared_memory=None)
    assert megabytes(settings["max_wal_size"]) == 128
    assert megabytes(settings["min_wal_size"]) < 128


def test_every_core_may_work_on_a_query() -> None:
    settings = tuned_settings(memory=8 * GB, cores=6, disk_free=100 * GB, shared_memory=None)
    assert {settings[name] for name in ("max_parallel_workers", "max_parallel_workers_per_gather")} == {"6"}
    assert int(settings["max_worker_processes"]) > 6


@pytest.mark.parametrize(("shared_memory", "avoided"), [(64 * MB, True), (8 * GB, False), (None, False)])
def test_small_shared_memory_of_a_container_is_avoided(shared_memory: int | None, avoided: bool) -> None:
    settings = tuned_settings(memory=8 * GB, cores=2, disk_free=100 * GB, shared_memory=shared_memory)
    assert (settings.get("dynamic_shared_memory_type") == "mmap") is avoided


def test_nothing_committed_may_be_lost() -> None:
    settings = tuned_settings(memory=8 * GB, cores=2, disk_free=100 * GB, shared_memory=None)
    assert settings["synchronous_commit"] == "on"
    assert not {"fsync", "full_page_writes"} & settings.keys()


def test_this_machine_has_memory_and_cores() -> None:
    assert machine_memory() > 100 * MB
    assert machine_cores() >= 1

"""Memory of a database: what its class has, less what it tells to be free."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ml.savings.histogram import GROWTH, Histogram, buckets, upper_bounds
from ml.savings.instance_types import Catalogue
from ml.savings.sizing import MEMORY, Resource, Use

FREEABLE = "FreeableMemory"
_GIB = 1 << 30


def with_memory(resource: Resource, catalogue: Catalogue) -> Resource:
    """A resource with its use of memory in per cent, where only the bytes that are free of it are measured.

    What an engine keeps as a cache of its own counts as used, although it would live with less: a smaller class is then not proposed,
    which is the safe side.
    """
    use, instance_type = resource.use, resource.paid.instance_type
    if use is None or MEMORY in use.metrics or FREEABLE not in use.metrics:
        return resource
    spec = catalogue.specs.get(instance_type or "")
    if spec is None or not spec.memory_gib:
        said = f"what is free of its memory is measured, but not known is how much {instance_type} has"
        return replace(resource, notes=(*resource.notes, said))
    used = _used(use.metrics[FREEABLE], float(spec.memory_gib) * _GIB)
    return replace(resource, use=Use({**use.metrics, MEMORY: used}, use.days))


def _used(free: Histogram, whole: float) -> Histogram:
    """Per cent of the whole that are used: of each bucket the least that may have been free of it, so that no use is told too low."""
    least = np.maximum(upper_bounds(free.buckets) / GROWTH, free.minimum)
    found, place = np.unique(buckets(_percent(least, whole)), return_inverse=True)
    counts = np.bincount(place, weights=free.counts).astype(np.int64)
    lowest, highest = _percent(np.array([free.maximum, free.minimum]), whole)
    mean = _percent(np.array([free.mean]), whole)[0]
    return Histogram(found, counts, float(lowest), float(highest), float(mean * free.count))


def _percent(free: np.typing.NDArray[np.float64], whole: float) -> np.typing.NDArray[np.float64]:
    return 100.0 * np.clip(1.0 - free / whole, 0.0, 1.0)

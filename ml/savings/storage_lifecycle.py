"""Buckets: objects in a colder class by their age and what is read of them, uploads that were never finished, old versions."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from shlex import quote

from ml.savings.bucket_rows import SPREAD, by_bucket
from ml.savings.holdings import Entry, Holding, Holdings, bare
from ml.savings.lifecycle import STANDARD, TIERING, Band, Outcome, UnknownPriceError, end_of, outcome, policies
from ml.savings.paid import Paid
from ml.savings.recommendation import Estimate, Recommendation
from ml.savings.sizing import Exclusion
from ml.savings.traffic import text
from ml.savings.waste_advice import Words, advice

_NAMES = {
    "STANDARD_IA": "Standard-IA",
    "GLACIER": "Glacier Flexible Retrieval",
    "DEEP_ARCHIVE": "Glacier Deep Archive",
    "INTELLIGENT_TIERING": "Intelligent-Tiering",
}
_LEAST_SHARE = Decimal("0.02")
"""A policy that saves less than this share of a bucket is within what cannot be known."""
_WHOLE_PERIOD = 30
Found = Iterator[Recommendation | Exclusion]


def storage_lifecycle(holdings: Holdings) -> Found:
    """For each listed bucket that is paid for in Standard: the policy that saves most, if any does, and what is left over in it."""
    for entries in by_bucket(holdings.lists.get("buckets", ())):
        holding = holdings.of(entries[0])
        paid = [one for one in holding.paid if _is_standard(one)] if holding else []
        in_standard = [entry for entry in entries if entry["storage_class"] == STANDARD]
        size = sum(Decimal(entry["stored_bytes"]) for entry in in_standard)
        if holding is None or not paid or not size:
            continue
        if stale := holdings.stale(entries[0]):
            yield stale
            continue
        stored = holding.only(paid)
        yield from _cleanups(stored, holdings, in_standard, size)
        yield from _moves(stored, holdings, [entry for entry in in_standard if entry["part"] == "current"], size)


def _is_standard(paid: Paid) -> bool:
    """The storage of S3 Standard, not its requests and not other classes."""
    return (paid.sku_meter or "").endswith("TimedStorage-ByteHrs")


def _cleanups(holding: Holding, holdings: Holdings, entries: Sequence[Entry], size: Decimal) -> Found:
    """What nobody can read any more, or only by asking for an old version."""
    settings = holdings.settings
    cases = (
        (
            "incomplete_uploads",
            settings.incomplete_upload_days,
            "parts of uploads that were never finished",
            "AbortIncompleteMultipartUpload",
            "An upload that takes longer would have to begin anew.",
        ),
        (
            "noncurrent_versions",
            settings.noncurrent_version_days,
            "versions that were replaced or deleted",
            "NoncurrentVersionExpiration",
            "A version can no longer be restored after this time.",
        ),
    )
    for part, days, what, rule, risk in cases:
        old = [entry for entry in entries if entry["part"] == part and (entry.get("age_from_days") or days) >= days]
        held = sum(Decimal(entry["stored_bytes"]) for entry in old)
        if held <= 0:
            continue
        is_aged = all(entry.get("age_from_days") is not None for entry in old)
        share = held / size
        days_name = "DaysAfterInitiation" if part == "incomplete_uploads" else "NoncurrentDays"
        yield advice(
            holding,
            "storage_lifecycle",
            "bucket",
            holding.saved(Decimal(1), part=share, least=Decimal(1 if is_aged else 0)),
            Words(
                current=f"{100 * share:.1f} % of the bucket are {what}",
                proposed=f"no {what} after {days} days",
                change=f"Add a lifecycle rule that removes {what} after {days} days.",
                reason=f"They are {held / (1 << 30):,.0f} GiB, and are paid like everything else in it.",
                risk_reason=risk,
                confidence_reason="Their size is listed." + ("" if is_aged else " How old they are is not known."),
                command=_command(holding, {rule: {days_name: days}}),
            ),
            evidence={"stored_bytes": str(held), "share": text(round(share, 6)), "rests_on": "inventory of the bucket"},
            confidence="high" if is_aged else "medium",
            risk="low" if part == "incomplete_uploads" else "medium",
            part=f"/{part}",
        )


def _moves(holding: Holding, holdings: Holdings, entries: Sequence[Entry], size: Decimal) -> Found:
    if not entries:
        return
    unknown = next(
        (
            what
            for column, what in (
                ("age_from_days", "how old its objects are"),
                ("object_count", "how many objects there are"),
                ("retrieved_bytes", "what is read of it"),
                ("period_days", "how long its reads were counted"),
            )
            if any(entry.get(column) is None for entry in entries)
        ),
        None,
    )
    if unknown:
        yield Exclusion(holding.resource_id, f"{unknown} is not known: no class of storage can be compared")
        return
    bands = [_band(entry) for entry in entries]
    prices, region = holdings.prices.of(holding.main.region_id, holdings.window.last)
    settings = holdings.settings
    ages = settings.ia_transition_days, settings.glacier_transition_days, settings.deep_archive_transition_days
    try:
        found = [one for steps in policies(*ages) if (one := outcome(bands, steps, prices)) is not None]
    except UnknownPriceError as error:
        yield Exclusion(holding.resource_id, f"a price of storage is not known: {error}")
        return
    best = max(found, key=lambda one: (one.saving, -len(one.steps)))
    held = sum((band.size for band in bands), Decimal(0))
    storage = held / (1 << 30) * (prices.get(STANDARD, "storage") or Decimal(0))
    share = best.saving / storage if storage else Decimal(0)
    if share < _LEAST_SHARE:
        yield Exclusion(holding.resource_id, "no other class would cost less, with moving and reading counted in")
        return
    estimate = holding.saved(min(share, Decimal(1)), part=held / size, least=Decimal("0.8"))
    if best.once > estimate.saving * settings.payback_months:
        yield Exclusion(
            holding.resource_id, f"moving its objects costs more than {settings.payback_months} months save"
        )
        return
    yield _advised(holding, best, estimate, bands, region, entries)


def _advised(
    holding: Holding,
    best: Outcome,
    estimate: Estimate,
    bands: Sequence[Band],
    region: str | None,
    entries: Sequence[Entry],
) -> Recommendation:
    classes = [step.storage_class for step in best.steps]
    way = ", ".join(f"{_NAMES[step.storage_class]} after {step.age} days" for step in best.steps)
    archived = any(name in ("GLACIER", "DEEP_ARCHIVE") for name in classes)
    whole = all(entry["period_days"] >= _WHOLE_PERIOD for entry in entries)
    rules = {"Transitions": [{"Days": step.age, "StorageClass": step.storage_class} for step in best.steps]}
    own_prices = region == holding.main.region_id
    spread = any(entry.get(SPREAD) for entry in entries)
    read = sum((band.read for band in bands), Decimal(0))
    return advice(
        holding,
        "storage_class" if classes == [TIERING] else "storage_lifecycle",
        "bucket",
        estimate,
        Words(
            current="all in Standard",
            proposed=way,
            change=f"Add a lifecycle rule: {way}.",
            reason=(
                f"A month at list price costs {best.then:,.2f} instead of {best.now:,.2f}, with "
                f"{read / (1 << 30):,.1f} GiB read of it, moves, minimum times and small objects counted in."
            ),
            risk_reason="What is archived takes hours to read again." if archived else "Reads cost more than now.",
            confidence_reason=(
                f"Ages and reads are known; prices are list prices of {region}, taken off as Standard is in this bill."
                + ("" if whole else " Reads were counted for less than a month.")
                + (" Reads are known of all of it only, and taken to fall on every byte alike." if spread else "")
            ),
            command=_command(holding, rules),
        ),
        evidence={
            "list_cost_now": text(round(best.now, 4)),
            "list_cost_then": text(round(best.then, 4)),
            "read_bytes": str(round(read)),
            "objects": str(round(sum(band.objects for band in bands))),
            "prices_of": region,
            "rests_on": "objects and reads by age, list prices of classes, effective cost by day",
        },
        confidence="high" if whole and own_prices and not spread else "medium",
        risk="medium" if archived else "low",
        one_off_cost=round(best.once, 10),
        part="/objects",
    )


def _band(entry: Entry) -> Band:
    """A row of a bucket's list, its reads as those of an average month."""
    since = int(entry["age_from_days"])
    monthly = Decimal(365) / 12 / max(int(entry["period_days"]), 1)
    return Band(
        since,
        max(end_of(since, entry.get("age_to_days")), since + 1),
        Decimal(entry["stored_bytes"]),
        Decimal(entry["object_count"]),
        Decimal(entry["retrieved_bytes"]) * monthly,
        Decimal(entry.get("get_requests") or 0) * monthly,
    )


def _command(holding: Holding, rule: Mapping[str, object]) -> str:
    """It replaces the rules that are there, so they have to be added to it."""
    configuration = json.dumps({"Rules": [{"ID": "savings", "Status": "Enabled", "Filter": {}, **rule}]})
    return (
        f"aws s3api put-bucket-lifecycle-configuration --bucket {quote(bare(holding.resource_id))} "
        f"--lifecycle-configuration {quote(configuration)}"
    )

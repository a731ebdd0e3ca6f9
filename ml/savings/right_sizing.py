"""The smallest size of its family that carries what an instance or a database used, priced at what is really paid."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from shlex import quote

from ml.savings.instance_types import Basis, Catalogue, name_of
from ml.savings.recommendation import Level, Recommendation, estimate
from ml.savings.sizing import CPU, MEMORY, Exclusion, Fit, Resource, SizingSettings, Use, fits
from ml.savings.traffic import text

_CLASSES = {"db.": "database", "cache.": "cache"}


def right_sizing(
    resources: Sequence[Resource], catalogue: Catalogue, settings: SizingSettings
) -> Iterator[Recommendation | Exclusion]:
    """A recommendation for each resource that a smaller size carries, and the reason for each that nothing can be said of."""
    for resource in resources:
        reason = not_sizable(resource, settings)
        if reason:
            yield Exclusion(resource.paid.resource_id, reason)
            continue
        use, paid = resource.use, resource.paid
        assert use is not None
        assert paid.instance_type is not None
        if use.metrics[CPU].mean >= float(settings.utilization_threshold):
            continue
        yield from _smallest(resource, use, paid.instance_type, catalogue, settings)


def not_sizable(resource: Resource, settings: SizingSettings) -> str | None:
    """Why nothing can be said of a resource; None where something can."""
    paid, use = resource.paid, resource.use
    if paid.instance_type is None or name_of(paid.instance_type) is None:
        return f"the instance type {paid.instance_type or '(none)'} is not known"
    if paid.is_spot:
        return "a spot instance: it is charged at a price that does not follow its size, and can be taken away"
    if not any(cost > 0 for cost in paid.daily.values()):
        return "it costs nothing"
    if paid.committed_share == 1 and paid.committed_until is None:
        return "it is fully covered by a commitment whose end the bill does not tell: until then another size saves nothing"
    if use is None or CPU not in use.metrics:
        return "no CPU utilisation is known of it"
    if use.days < settings.minimum_history_days:
        return f"its utilisation is known of {use.days} days; {settings.minimum_history_days} are needed"
    return None


def _smallest(
    resource: Resource, use: Use, current: str, catalogue: Catalogue, settings: SizingSettings
) -> Iterator[Recommendation | Exclusion]:
    paid = resource.paid
    carried, unpriced = [], []
    for proposed in catalogue.of_family(current):
        fit = fit_of(use, current, proposed, catalogue, settings)
        if fit is None:
            continue
        priced = catalogue.price_ratio(paid.region_id or "", system_of(resource), current, proposed)
        if priced is None:
            unpriced.append(proposed)
        elif priced[0] < 1:
            carried.append((priced[0], proposed, fit, priced[1]))
    if carried:
        ratio, proposed, fit, basis = min(carried)
        yield advice(resource, "right_sizing", proposed, ratio, basis, fit, settings)
    elif unpriced:
        yield Exclusion(paid.resource_id, f"{unpriced[0]} would carry it, but no list price of it is known")


def fit_of(use: Use, current: str, proposed: str, catalogue: Catalogue, settings: SizingSettings) -> Fit | None:
    ratios = catalogue.capacity_ratios(current, proposed)
    if ratios is None:
        return None
    spec, name = catalogue.specs.get(proposed), name_of(proposed)
    fit = fits(
        use,
        settings,
        ratios.cpu,
        ratios.memory,
        spec.network_bits if spec else None,
        is_burstable=name is not None and name.is_burstable,
    )
    if fit and ratios.is_by_name:
        return replace(fit, unknown=(*fit.unknown, f"what {proposed} has is taken from its name"))
    return fit


def system_of(resource: Resource) -> str:
    """What a list price depends on besides the type: the operating system, or the engine and deployment of a database."""
    details = resource.paid.price_details
    if (resource.paid.instance_type or "").startswith("db."):
        return f"{details.get('x_DatabaseEngine', '')} {details.get('Redundancy', '')}".strip() or "unknown"
    return str(details.get("OperatingSystem") or "Linux")


def advice(
    resource: Resource, kind: str, proposed: str, ratio: Decimal, basis: Basis, fit: Fit, settings: SizingSettings
) -> Recommendation:
    """The recommendation of a type: what is saved is a share of what is paid, and of a committed part nothing before its end."""
    paid, use = resource.paid, resource.use
    assert use is not None
    is_covered = paid.committed_share == 1
    base = paid.daily if is_covered else paid.uncommitted
    saved = {day: max(cost, Decimal(0)) * (1 - ratio) for day, cost in base.items()}
    confidence, why = _confidence(resource, basis, fit, settings)
    percentiles = {name: round(one.percentile(float(settings.percentile)), 2) for name, one in use.metrics.items()}
    found = Recommendation(
        kind=kind,
        provider=paid.provider,
        resource_type=_class_of(paid.instance_type or ""),
        resource_id=paid.resource_id,
        sub_account_id=paid.sub_account_id,
        owner=paid.owner,
        current=f"{paid.instance_type}, CPU {use.metrics[CPU].mean:.1f} % on average",
        proposed=proposed,
        change=f"Change the type from {paid.instance_type} to {proposed}, in a maintenance window: it restarts.",
        reason=_reason(proposed, fit, settings),
        estimate=estimate(paid.window, paid.daily, saved),
        effort="low" if kind == "right_sizing" else "medium",
        risk=_risk(fit),
        risk_reason=f"{proposed} would have been too small in {100 * fit.exceeded:.2f} % of the time that was measured.",
        confidence=confidence,
        confidence_reason=why,
        evidence={
            "percentile": text(settings.percentile),
            "headroom_percent": text(settings.headroom),
            "use_at_percentile": {name: str(value) for name, value in sorted(percentiles.items())},
            "fills_proposed_percent": {name: f"{value:.1f}" for name, value in sorted(fit.fills.items())},
            "exceeded_share": f"{fit.exceeded:.6f}",
            "days_measured": use.days,
            "measurements": use.metrics[CPU].count,
            "price_ratio": text(round(ratio, 6)),
            "price_basis": basis,
            "committed_share": text(round(paid.committed_share, 6)),
            "rests_on": "utilisation by day, and effective cost by day",
        },
        exclusive_group=f"resource/{paid.provider}/{paid.resource_id}",
        region_id=paid.region_id,
        command=_command(resource, proposed),
        acts_on=((paid.resource_id, paid.monthly_cost),),
        currency=paid.currency,
        window=paid.window,
    )
    return _after_commitment(found, resource) if is_covered else found


def _after_commitment(found: Recommendation, resource: Resource) -> Recommendation:
    """A covered resource saves nothing until its commitment ends, which is said."""
    until = resource.paid.committed_until
    assert until is not None
    said = f" It is fully covered by a commitment until {until.isoformat()}: nothing is saved before."
    return replace(found, reason=found.reason + said, effective_from=until)


def _reason(proposed: str, fit: Fit, settings: SizingSettings) -> str:
    fills = " and ".join(f"{value:.0f} % of its {metric.replace('_', ' ')}" for metric, value in fit.fills.items())
    percent, room = f"{settings.percentile.normalize():f}", f"{settings.headroom.normalize():f}"
    return f"In {percent} % of the time {proposed} would be filled to at most {fills}, with {room} % to spare."


def _risk(fit: Fit) -> Level:
    return "low" if fit.exceeded <= 0.001 and not fit.unknown else "medium" if fit.exceeded <= 0.01 else "high"


def _confidence(resource: Resource, basis: Basis, fit: Fit, settings: SizingSettings) -> tuple[Level, str]:
    use = resource.use
    assert use is not None
    reasons = list(fit.unknown) + list(resource.notes)
    if basis == "list prices of another region":
        reasons.append("the list prices compared are of another region")
    if use.days < 2 * settings.minimum_history_days:
        reasons.append(f"only {use.days} days of utilisation")
    level: Level = "high" if not reasons else "medium" if len(reasons) == 1 and MEMORY in use.metrics else "low"
    if not reasons:
        return level, f"Use is measured in every dimension that is compared, and prices are {basis}."
    told = "; ".join(reasons)
    return level, f"{told[0].upper()}{told[1:]}."


def _class_of(instance_type: str) -> str:
    return next((name for prefix, name in _CLASSES.items() if instance_type.startswith(prefix)), "instance")


def _command(resource: Resource, proposed: str) -> str | None:
    """What would do it, as text, where the provider's tool is known."""
    paid = resource.paid
    if not paid.provider.startswith(("AWS", "Amazon")):
        return None
    # Ids come from the bill, and the text is for a shell.
    short = quote(paid.resource_id.rsplit(":", 1)[-1].rsplit("/", 1)[-1])
    region = f" --region {quote(paid.region_id)}" if paid.region_id else ""
    if proposed.startswith("db."):
        return f"aws rds modify-db-instance --db-instance-identifier {short} --db-instance-class {proposed}{region}"
    if short.startswith("i-"):
        return (
            f"aws ec2 stop-instances --instance-ids {short}{region} && "
            f"aws ec2 wait instance-stopped --instance-ids {short}{region} && "
            f"aws ec2 modify-instance-attribute --instance-id {short} --instance-type {proposed}{region} && "
            f"aws ec2 start-instances --instance-ids {short}{region}"
        )
    return None

"""Put proposed tags on AWS resources: approved ones only, none over another, each change in the audit log and undone by its id."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from typing import Any

import psycopg
from psycopg.rows import class_row

from orchestration.lib import audit
from orchestration.lib.config_money import TagWriteBack
from orchestration.lib.errors import FinopsError
from orchestration.lib.tagging_api import Arn, TaggingApi, Tags, batches, parse_arn

PROPOSED, SKIPPED, WRITTEN, REMOVED, FAILED = "proposed", "skipped", "written", "removed", "failed"
RESOURCES_PER_CHANGE = 20
WRITE, WRITE_DONE, UNDO, UNDO_DONE = "tags.write", "tags.write.done", "tags.undo", "tags.undo.done"

Connect = Callable[[str, str], TaggingApi]
"""Account and region -> the tagging API there."""


@dataclass(frozen=True)
class Proposal:
    """A row of finops.tag_proposals."""

    proposal_id: str
    source_name: str
    sub_account_id: str | None
    resource_id: str
    tag_key: str
    tag_value: str
    virtual_tag_rule: str
    confidence: Decimal | None
    effective_cost: Decimal | None


@dataclass(frozen=True)
class Step:
    """What becomes, or became, of a tag on a resource, and why. `audit_id`: the event by which it can be undone."""

    resource_id: str
    tag_key: str
    tag_value: str
    outcome: str
    reason: str = ""
    audit_id: int | None = None


def read_proposals(connection: psycopg.Connection[Any]) -> list[Proposal]:
    """Every proposal, the dearest resources first. Raises FinopsError where there is no mart of them yet."""
    if connection.execute("select to_regclass('finops.tag_proposals') is null").fetchone() == (True,):
        raise FinopsError("there is no mart finops.tag_proposals yet: run `finops run` first.")
    with connection.cursor(row_factory=class_row(Proposal)) as cursor:
        return cursor.execute(
            "select proposal_id, source_name, sub_account_id, resource_id, tag_key, tag_value, virtual_tag_rule, confidence,"
            " effective_cost from finops.tag_proposals order by effective_cost desc nulls last, proposal_id"
        ).fetchall()


def judged(proposals: Sequence[Proposal], settings: TagWriteBack) -> list[Step]:
    """Which proposals may be written as far as can be told without asking AWS, in their order."""
    wanted: dict[tuple[str, str], set[str]] = defaultdict(set)
    for proposal in proposals:
        if not _objection(proposal, settings):
            wanted[proposal.resource_id, folded(proposal.tag_key)].add(proposal.tag_value)
    steps: dict[tuple[str, str, str], Step] = {}
    for proposal in proposals:
        why = _objection(proposal, settings)
        if not why and len(wanted[proposal.resource_id, folded(proposal.tag_key)]) > 1:
            why = "approved rules disagree about its value"
        step = Step(proposal.resource_id, proposal.tag_key, proposal.tag_value, SKIPPED if why else PROPOSED, why)
        key = (step.resource_id, folded(step.tag_key), step.tag_value)
        # Of several that propose the same, one that may be written counts.
        if key not in steps or steps[key].outcome == SKIPPED:
            steps[key] = step
    return list(steps.values())


def _objection(proposal: Proposal, settings: TagWriteBack) -> str:
    arn = parse_arn(proposal.resource_id)
    if proposal.virtual_tag_rule not in settings.approved_rules:
        return f"the rule {proposal.virtual_tag_rule} is not approved"
    # A confidence that is not known counts as none.
    if (proposal.confidence or 0) < settings.minimum_confidence:
        return f"its confidence is {'not known' if proposal.confidence is None else f'{proposal.confidence:.3f}'}"
    if arn is None:
        return "the resource has no ARN"
    if arn.account and proposal.sub_account_id and arn.account != proposal.sub_account_id:
        return f"its ARN is of the account {arn.account} and not of {proposal.sub_account_id}"
    if not (arn.account or proposal.sub_account_id):
        return "its account is not known"
    if proposal.tag_key.lower().startswith("aws:") or len(proposal.tag_key) > 128 or len(proposal.tag_value) > 256:
        return "AWS takes no such tag"
    return ""


def folded(key: str) -> str:
    """What keys are compared by: case, '-', '_' and ' ' make no difference, as in the tag policy."""
    return key.lower().translate(str.maketrans("", "", "-_ "))


def write_tags(
    connection: psycopg.Connection[Any],
    proposals: Sequence[Proposal],
    settings: TagWriteBack,
    connect: Connect,
    *,
    apply: bool,
) -> list[Step]:
    """Write the tags that may be written, or say which they are. Returns what became of each proposal.

    The intention is in the audit log before the first change, the outcome after the last: whatever ends the process in
    between, the log holds everything that may have been changed. `connection` must not be in a transaction.
    """
    accounts = {proposal.resource_id: proposal.sub_account_id for proposal in proposals}
    steps: list[Step] = []
    places: dict[tuple[str, str], list[Step]] = defaultdict(list)
    for step in judged(proposals, settings):
        arn = parse_arn(step.resource_id)
        if step.outcome == SKIPPED or arn is None:
            steps.append(step)
        else:
            places[_place(arn, accounts[step.resource_id], settings)].append(step)
    for (account, region), members in sorted(places.items()):
        try:
            api = connect(account, region)
            there = api.tags_of([step.resource_id for step in members])
        except FinopsError as error:
            steps += [replace(step, outcome=FAILED, reason=str(error)) for step in members]
            continue
        checked = [_checked(step, there.get(step.resource_id, {})) for step in members]
        to_write = [step for step in checked if step.outcome == PROPOSED]
        steps += [step for step in checked if step.outcome == SKIPPED]
        if not apply or not to_write:
            steps += to_write
            continue
        place = {"account": account, "region": region}
        audit_id = _note(connection, WRITE, {**place, "tags": [_tag(step) for step in to_write]})
        done = [replace(step, audit_id=audit_id) for step in _in_batches(to_write, partial(_put, api), WRITTEN)]
        _note(connection, WRITE_DONE, {**place, "of": audit_id, **_by_outcome(done)})
        steps += done
    return steps


def undo(connection: psycopg.Connection[Any], audit_id: int, connect: Connect) -> list[Step]:
    """Take off again what a write put on, except where the tag has another value by now.

    Raises FinopsError where the event is no write of tags, or AWS cannot be asked.
    """
    found = connection.execute("select action, details from audit.events where id = %s", (audit_id,)).fetchone()
    if found is None or found[0] != WRITE:
        raise FinopsError(
            f"audit event {audit_id} is no write of tags. `finops tags write --apply` names the event of each."
        )
    details = found[1]
    # All that was meant to be written, whatever came of it: a call that failed or was broken off may have been carried out.
    steps = [Step(tag["resource_id"], tag["tag_key"], tag["tag_value"], PROPOSED) for tag in details["tags"]]
    api = connect(details["account"], details["region"])
    there = api.tags_of([step.resource_id for step in steps])
    checked = [_still_there(step, there.get(step.resource_id, {})) for step in steps]
    to_remove = [step for step in checked if step.outcome == PROPOSED]
    kept = [step for step in checked if step.outcome == SKIPPED]
    if not to_remove:
        return kept
    place = {"account": details["account"], "region": details["region"], "of": audit_id}
    undo_id = _note(connection, UNDO, {**place, "tags": [_tag(step) for step in to_remove]})
    done = [replace(step, audit_id=undo_id) for step in _in_batches(to_remove, api.remove, REMOVED)]
    _note(connection, UNDO_DONE, {**place, "of": undo_id, **_by_outcome(done)})
    return [*done, *kept]


def _place(arn: Arn, sub_account_id: str | None, settings: TagWriteBack) -> tuple[str, str]:
    return arn.account or sub_account_id or "", arn.region or settings.region


def _checked(step: Step, there: Tags) -> Step:
    same = next((key for key in there if folded(key) == folded(step.tag_key)), None)
    if same is None:
        return step
    return replace(step, outcome=SKIPPED, reason=f"it has the tag {same}={there[same]}")


def _put(api: TaggingApi, resource_ids: Sequence[str], tags: Tags) -> dict[str, str]:
    """Write to those resources that still have none of the tags: a large write takes minutes, in which others tag too."""
    try:
        there = api.tags_of(resource_ids)
    except FinopsError as error:
        return dict.fromkeys(resource_ids, str(error))
    late = {
        resource_id: "it got such a tag meanwhile"
        for resource_id in resource_ids
        if {folded(key) for key in there.get(resource_id, {})} & {folded(key) for key in tags}
    }
    free = [resource_id for resource_id in resource_ids if resource_id not in late]
    return late | (api.put(free, tags) if free else {})


def _still_there(step: Step, there: Tags) -> Step:
    value = there.get(step.tag_key)
    if value == step.tag_value:
        return step
    why = "the tag is gone" if value is None else f"the tag is {step.tag_key}={value} by now"
    return replace(step, outcome=SKIPPED, reason=why)


def _in_batches(
    steps: Iterable[Step], call: Callable[[Sequence[str], Tags], dict[str, str]], outcome: str
) -> list[Step]:
    """Resources that get the same tags go together, twenty at a time."""
    tags: dict[str, dict[str, str]] = defaultdict(dict)
    steps = list(steps)
    for step in steps:
        tags[step.resource_id][step.tag_key] = step.tag_value
    alike: dict[tuple[tuple[str, str], ...], list[str]] = defaultdict(list)
    for resource_id, own in tags.items():
        alike[tuple(sorted(own.items()))].append(resource_id)
    failed: dict[str, str] = {}
    for pairs, resource_ids in alike.items():
        for batch in batches(resource_ids, RESOURCES_PER_CHANGE):
            failed |= call(batch, dict(pairs))
    return [
        replace(step, outcome=FAILED, reason=failed[step.resource_id])
        if step.resource_id in failed
        else replace(step, outcome=outcome)
        for step in steps
    ]


def _note(connection: psycopg.Connection[Any], action: str, details: dict[str, Any]) -> int:
    with connection.transaction():
        return audit.append(
            connection, action=action, subject=f"aws {details['account']} {details['region']}", details=details
        )


def _tag(step: Step) -> dict[str, str]:
    return {"resource_id": step.resource_id, "tag_key": step.tag_key, "tag_value": step.tag_value}


def _by_outcome(steps: Iterable[Step]) -> dict[str, list[dict[str, str]]]:
    """The outcomes as lists; one that did not occur has an empty list."""
    found: dict[str, list[dict[str, str]]] = {WRITTEN: [], REMOVED: [], FAILED: []}
    for step in steps:
        reason = {"reason": step.reason} if step.outcome == FAILED else {}
        found[step.outcome].append(_tag(step) | reason)
    return found

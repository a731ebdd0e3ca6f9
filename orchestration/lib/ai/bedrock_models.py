"""What Bedrock calls models and callers: profiles and ARNs brought to a model, a role and its account."""

from __future__ import annotations

import re
from collections.abc import Mapping

# A profile for the regions of one geography is priced as its model is; a global one has a price of its own.
_GEOGRAPHY = re.compile(r"(us|us-gov|eu|apac|jp|au|ca|in|sa|me|af|il|mx|uk)\.(?=[a-z0-9-]+\.)")


def model_of(model_id: str, profiles: Mapping[str, str]) -> str:
    """The model that a model id, an inference profile or an ARN means, as the price catalogue can find it.

    `profiles`: ARN or id of an application inference profile (or of a provisioned or imported model) -> its model. What is
    not there stays as it is named.

    >>> model_of("arn:aws:bedrock:us-east-1:1:inference-profile/us.anthropic.claude-sonnet-4-5-20250929-v1:0", {})
    'anthropic.claude-sonnet-4-5-20250929-v1:0'
    """
    name = model_id.strip()
    # region:account:kind/id; the id may hold colons (…-v1:0) itself.
    kind, _, short = name.partition("/") if name.startswith("arn:") else ("", "", name)
    for known in (name, short):
        if known in profiles:
            return model_of(profiles[known], {})
    if kind and not kind.endswith((":foundation-model", ":inference-profile")):
        return name
    return _GEOGRAPHY.sub("", short, count=1) if _GEOGRAPHY.match(short) else short


def caller_of(arn: str) -> tuple[str | None, str | None]:
    """(principal, user) of an identity ARN: the role without its session; and the session or user name, which is personal.

    >>> caller_of("arn:aws:sts::123456789012:assumed-role/team-a/jane@example.com")
    ('arn:aws:sts::123456789012:assumed-role/team-a', 'jane@example.com')
    >>> caller_of("arn:aws:iam::123456789012:user/path/jane")
    ('arn:aws:iam::123456789012:user', 'jane')
    """
    head, _, path = arn.partition("/")
    if not path:
        return arn or None, None
    if head.endswith(":assumed-role"):
        role, _, session = path.partition("/")
        return f"{head}/{role}", session or None
    if head.endswith((":user", ":federated-user")):
        return head, path.rpartition("/")[2]
    return arn, None


def operation_of(operation: str, model: str) -> str:
    """What was asked for, in the words of the normal form."""
    if re.search(r"embed", model):
        return "embeddings"
    if re.search(r"canvas|image|stability\.|stable-", model):
        return "images"
    if "rerank" in model or operation == "Rerank":
        return "rerank"
    return "completions"

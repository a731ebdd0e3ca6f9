"""The settings of tags: which are wanted, and which follow from naming conventions."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StringConstraints, field_serializer, field_validator, model_validator

from orchestration.lib.config_base import Dated, Day, Email, Settings, Text, Texts
from orchestration.lib.config_document import nearest
from orchestration.lib.config_patterns import MOST_GROUPS, check_template, count_groups, like_pattern

OWNER_KEYS = ("team", "cost_center", "project", "environment")
"""The tag keys that say who owns a charge."""

MATCHED_FIELDS = ("resource_id", "resource_name", "sub_account_name", "service_name")
TAG_FIELD = "tag:"


def _known_to_postgres(pattern: str) -> str:
    count_groups(pattern)
    return pattern


Pattern = Annotated[str, StringConstraints(min_length=1), AfterValidator(_known_to_postgres)]


class TagException(Dated):
    """What need not comply with a key until a day: charges whose value is in every list that is given."""

    owner: Email
    reason: Text | None = None
    sub_account_ids: Texts | None = None
    service_names: Texts | None = None
    resource_ids: Texts | None = None
    valid_to: Day

    @model_validator(mode="after")
    def _of_something(self) -> TagException:
        if not (self.sub_account_ids or self.service_names or self.resource_ids):
            raise ValueError("needs at least one of sub_account_ids, service_names, resource_ids")
        return self


class TagKey(Dated):
    """A tag key: its other spellings, and what its values have to be, where and when."""

    aliases: tuple[Text, ...] = ()
    required: bool = False
    values: Texts | None = None
    pattern: Pattern | None = None
    case: Literal["any", "exact", "lower", "upper"] | None = None
    sub_account_ids: Texts | None = None
    service_names: Texts | None = None
    exceptions: tuple[TagException, ...] = ()

    @property
    def is_checked(self) -> bool:
        """Whether anything can be wrong with a tag of this key."""
        return self.required or self.values is not None or self.pattern is not None

    @model_validator(mode="after")
    def _consistent(self) -> TagKey:
        if self.values and self.pattern:
            raise ValueError("may have values or a pattern, not both")
        if not self.is_checked and (self.model_fields_set - {"aliases", "required"}):
            raise ValueError("is not checked: give it required, values or a pattern")
        return self


class TagPolicy(Settings):
    """How tags are read. `keys` has an entry for each owner key, and for further ones that are only checked."""

    keys: dict[Text, TagKey] = Field(default_factory=dict, validate_default=True)

    @field_validator("keys", mode="before")
    @classmethod
    def _with_owner_keys(cls, keys: Any) -> Any:
        if not isinstance(keys, dict):
            return keys
        return {key: {} for key in OWNER_KEYS} | {key: {} if value is None else value for key, value in keys.items()}

    @field_validator("keys")
    @classmethod
    def _further_keys_are_checked(cls, keys: dict[str, TagKey]) -> dict[str, TagKey]:
        for key, settings in keys.items():
            if key not in OWNER_KEYS and not settings.is_checked:
                raise ValueError(
                    f"{key!r} is neither checked (give it required, values or a pattern) "
                    f"nor one of {', '.join(OWNER_KEYS)}.{nearest(key, list(OWNER_KEYS))}".removesuffix(".")
                )
        return keys


class OwnerTags(Settings):
    r"""What a rule sets: texts with `\1` for what its patterns captured first."""

    team: Text | None = None
    cost_center: Text | None = None
    project: Text | None = None
    environment: Text | None = None

    def texts(self) -> dict[str, str]:
        """Tag key -> text, of those that are set."""
        return {key: text for key in OWNER_KEYS if (text := getattr(self, key)) is not None}


class VirtualTagRule(Dated):
    """A naming convention: charges that match every pattern get the tags that it sets.

    `match`: field or `tag:<key>` -> pattern. Captured groups are counted through the patterns in their order.
    """

    name: Text
    match: Annotated[dict[Text, Pattern], Field(min_length=1)]
    set: OwnerTags

    @field_validator("match")
    @classmethod
    def _known_fields(cls, match: dict[str, str]) -> dict[str, str]:
        for name in match:
            if name not in MATCHED_FIELDS and not (name.startswith(TAG_FIELD) and name.removeprefix(TAG_FIELD).strip()):
                allowed = [*MATCHED_FIELDS, f"{TAG_FIELD}<key>"]
                raise ValueError(f"{name!r} is no field.{nearest(name, allowed)} Allowed: {', '.join(allowed)}")
        return match

    @model_validator(mode="after")
    def _filled_from_its_groups(self) -> VirtualTagRule:
        groups = sum(map(count_groups, self.match.values()))
        if groups > MOST_GROUPS:
            raise ValueError(
                f"captures {groups} groups, at most {MOST_GROUPS} are possible. Use (?:…) where nothing is kept"
            )
        if not self.set.texts():
            raise ValueError(f"the rule {self.name!r} sets nothing. Give `set` one of {', '.join(OWNER_KEYS)}")
        for key, text in self.set.texts().items():
            try:
                check_template(text, groups)
            except ValueError as error:
                raise ValueError(f"in the rule {self.name!r}, set.{key} {error}") from error
        return self

    @field_serializer("match")
    def _patterns_in_order(self, match: dict[str, str]) -> list[dict[str, Any]]:
        """As a list: JSON of PostgreSQL does not keep the order of keys, which the numbers of the groups rest on."""
        return [
            {
                "field": field,
                "pattern": pattern,
                "group_count": count_groups(pattern),
                "like_pattern": like_pattern(pattern),
            }
            for field, pattern in match.items()
        ]


class VirtualTags(Settings):
    """Tags that follow from names. For each key the first rule counts that matches and yields a value."""

    rules: tuple[VirtualTagRule, ...] = ()

"""Bodies of steps that take a part of something, or all of it: "all" is said, never concluded from a lost body."""

from typing import Annotated, Any, cast

import msgspec
from msgspec import Meta

PARTS = ("lines", "amount_minor")
"""Fields that name a part."""

Said = Annotated[bool, Meta(description="`true`: all of it", extra_json_schema={"enum": [True]})]


class All(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """All of it: `{"all": true}`, `{}`, or no body at all."""

    all: Said | None = None

    def __post_init__(self) -> None:
        if self.all is None:
            return
        if not self.all:
            raise ValueError("`all` is true, or left out")
        if any(getattr(self, part, None) is not None for part in PARTS):
            raise ValueError("`all` is left out where a part is named")
        msgspec.structs.force_setattr(self, "all", None)  # for an idempotency key the same as `{}`


class PartOrAll(All, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """A body that may name a part: it must be sent. All of it is `{"all": true}`, or `{}`."""


def all_of_it(name: str, module: str) -> type[All]:
    """The body of a step that takes all there is, under the name by which clients know it."""
    words = {"__doc__": All.__doc__}
    made: Any = msgspec.defstruct(name, [], bases=(All,), module=module, namespace=words, frozen=True)
    return cast(type[All], made)


def missing(body: type) -> str:
    """What is told to whom a body is missing from."""
    if not issubclass(body, PartOrAll):
        return "a body is needed, and there is none"
    parts = " or ".join(f"`{part}`" for part in PARTS if part in body.__struct_fields__)
    return f'a body is needed, and there is none: name {parts}, or say {{"all": true}}'

"""A thing made of another one: what both call by the same name is copied, and nobody has to write that down."""

from collections.abc import Callable
from operator import itemgetter
from typing import Any, TypeVar

from msgspec import NODEFAULT, Struct
from msgspec.structs import astuple, fields

Made = TypeVar("Made", bound=Struct)


def copying(source: type[Struct], made: type[Made], given: str, apart: str) -> Callable[..., Made]:
    """A function that makes a `made` of a `source` and of what is `given` in this order: all by name, or (faster) none.

    `apart` are all other fields that only one of the two has: they stay behind, or begin with their default. A new
    field that both have is copied; one that only one has is an error at import until it is named here.
    """
    theirs, own = source.__struct_fields__, tuple(given.split())
    assert {*own} <= {*made.__struct_fields__}, f"{made.__name__} has not all of {given}"
    missed = ({*theirs} ^ {*made.__struct_fields__}) - {*own} ^ {*apart.split()}
    assert not missed, f"{source.__name__} and {made.__name__}: name {sorted(missed)} if and only if one of them has it"
    wanted = list(fields(made))
    while wanted[-1].name not in own + theirs:
        del wanted[-1]  # begins with its default without being told
    begun = [field for field in wanted if field.name not in own + theirs]
    fixed = {field.name: field.default for field in begun if field.default is not NODEFAULT}
    fresh = {field.name: field.default_factory for field in begun if field.default is NODEFAULT}
    defaults, factories = tuple(fixed.values()), tuple(fresh.values())
    # By position: to make a struct by name takes three times as long.
    arranged = itemgetter(*map((*own, *theirs, *fixed, *fresh).index, [field.name for field in wanted]))

    def copy(of: Struct, *values: Any, **named: Any) -> Made:
        if named:
            assert (*named,) == own, f"{given} are named in this order"
            values = (*named.values(),)
        assert len(values) == len(own)
        begin = (*defaults, *[make() for make in factories]) if factories else defaults
        return made(*arranged(values + astuple(of) + begin))

    return copy

"""A large configuration: announced by its hash, applied some entries a record, and done with the last one.

It was checked whole before it was announced, and nothing else is configured until it is done, so no part of it can be
refused. What is applied already is applied again without an effect: after a crash it begins anew, and ends the same.
"""

from engine.commands.configuration import ApplyPart, BeginConfiguration, EndConfiguration
from engine.configuration import master_data
from engine.facts import Fact
from engine.facts.configuration import ConfigurationBegun, ConfigurationEnded
from engine.results import Rejection, ResultCode
from engine.state.configuration import Announced
from engine.state.state import State

NOT_ANNOUNCED = Rejection(ResultCode.NOT_FOUND, "no such configuration is being applied")


def decide_begin(state: State, command: BeginConfiguration, now_ns: int) -> ConfigurationBegun | Rejection:
    """Announce it."""
    return master_data.refuse_meanwhile(state.configuration) or ConfigurationBegun(
        command.sha256, command.entries, command.asked_by, command.key, command.payload
    )


def decide_part(state: State, command: ApplyPart, now_ns: int) -> tuple[Fact, ...] | Rejection:
    """Set some of it. What is already as asked gives no fact."""
    if not _is_announced(state, command.sha256):
        return NOT_ANNOUNCED
    return master_data.what_is_new(state.configuration, command.document)


def decide_end(state: State, command: EndConfiguration, now_ns: int) -> ConfigurationEnded | Rejection:
    """Say that all of it is set; or that it can't be, since its document is lost."""
    announced = state.configuration.announced
    if announced is None or announced.sha256 != command.sha256:
        return NOT_ANNOUNCED
    return ConfigurationEnded(command.sha256, command.whole, tuple(announced.changed.items()))


def evolve_begun(state: State, fact: ConfigurationBegun) -> None:
    """Nothing else is configured from now on."""
    state.configuration.announced = Announced(
        fact.sha256, fact.entries, fact.asked_by, fact.key, fact.payload, state.time_ns
    )


def evolve_ended(state: State, fact: ConfigurationEnded) -> None:
    """Others may configure again."""
    state.configuration.announced = None


def _is_announced(state: State, sha256: str) -> bool:
    announced = state.configuration.announced
    return announced is not None and announced.sha256 == sha256

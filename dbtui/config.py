"""Where files live, what a connection is, and secrets that never print themselves."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from platformdirs import user_config_path, user_state_path

from dbtui.model.server import Environment


class Secret:
    """A password or token. It shows as dots wherever it is printed, logged or formatted."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The secret itself: for the driver, and for nothing else."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(••••)"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return repr(self)

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce__(self) -> str | tuple[object, ...]:
        raise TypeError("a secret is not pickled")


PasswordSource = Callable[[], Awaitable[Secret | None]]


@dataclass(frozen=True, slots=True)
class Target:
    """A server to connect to: what a URL or a saved connection says, without any secret in its text."""

    name: str  # the saved name, else a short form of the URL without a password
    scheme: str
    url: str  # without a password
    environment: Environment = Environment.PRODUCTION
    colour: str = ""
    read_only: bool = True
    ssh: str = ""  # host or alias for the system's ssh
    tags: tuple[str, ...] = ()
    password: PasswordSource | None = field(default=None, repr=False)  # asked at every connect
    prompt: PasswordSource | None = field(
        default=None, repr=False
    )  # asked when the server wants one and none fits
    notes: tuple[str, ...] = ()


def config_folder() -> Path:
    """The folder of connections.toml, keymap and themes."""
    return user_config_path("dbtui")


def state_folder() -> Path:
    """The folder of the audit file and of histories."""
    return user_state_path("dbtui")

"""Logging in: where the password of a target comes from, and when the user is asked for one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from dbtui.config import Secret, Target
from dbtui.errors import AuthenticationError

T = TypeVar("T")


class PasswordRefused(AuthenticationError):
    """The server wanted a password, and took none or not this one."""


class Login:
    """The password of one target: from its source, which is asked at each login, or typed by the user.

    A typed one is kept for the next login, for as long as the server takes it.
    """

    def __init__(self, target: Target) -> None:
        self._target = target
        self._typed: Secret | None = None

    async def known(self, fallback: Secret | None = None) -> Secret | None:
        """The password that needs no more typing: of the source, else `fallback`, else as typed before."""
        return await self._given(fallback) or self._typed

    async def through(
        self, attempt: Callable[[Secret | None], Awaitable[T]], fallback: Secret | None = None
    ) -> T:
        """What `attempt` returns with a password. Raises AuthenticationError, and what `attempt` raises.

        Where it raises PasswordRefused for a password that the user could still type, the user is asked once.
        """
        password = await self._given(fallback)
        typed, self._typed = self._typed, None
        try:
            found = await attempt(password or typed)
        except PasswordRefused:
            if password is not None or self._target.prompt is None:
                raise
            typed = await self._target.prompt()
            if typed is None:
                raise AuthenticationError(
                    f"no password was given for {self._target.name}", "give one to connect"
                ) from None
            found = await attempt(typed)
        self._typed = typed
        return found

    async def _given(self, fallback: Secret | None) -> Secret | None:
        own = await self._target.password() if self._target.password is not None else None
        return own or fallback

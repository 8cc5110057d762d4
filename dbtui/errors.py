"""The tree of exceptions. Each says in one line what happened, to what, and what to do.

DbtuiError
├── UsageError            the command line or a setting is not what it should be     exit 2
├── ConfigError           a file of ours cannot be used                              exit 2
├── InputError            a plan, recording or script is not what it should be       exit 2
├── ConnectError          no session could be had                                    exit 2
│   ├── AuthenticationError
│   └── NoSlotsLeft       the server's connection slots are taken
├── SessionLost           a session that was there is gone; a reconnect may help
├── QueryError            the server refused a statement
│   ├── PermissionDenied  with the exact GRANT that would help
│   └── QueryTimeout      our own limit or the server's was reached
├── NotApproved           a write without an approval that covers it
└── Forbidden             the policy of this machine does not allow it
"""


class DbtuiError(Exception):
    """Base of all errors that are shown to the user.

    `message` says what happened and to what; `hint` says what to do. Neither may hold a secret, and
    both may hold server text: a face passes them through `text.printable()` before it draws them.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}: {self.hint}" if self.hint else self.message


class UsageError(DbtuiError):
    """The command line or a setting is not what it should be."""


class ConfigError(DbtuiError):
    """A file of ours cannot be used as it is."""


class InputError(DbtuiError):
    """A plan, recording or script is not what it should be."""


class ConnectError(DbtuiError):
    """No session with the server could be had."""


class AuthenticationError(ConnectError):
    """The server refused the user or the password."""


class NoSlotsLeft(ConnectError):
    """All connection slots that this role may use are taken."""


class SessionLost(DbtuiError):
    """A session that was there is gone; a reconnect may help."""


class QueryError(DbtuiError):
    """The server refused a statement. `code` is the server's own, `position` the 1-based character."""

    def __init__(self, message: str, hint: str = "", *, code: str = "", position: int | None = None) -> None:
        super().__init__(message, hint)
        self.code = code
        self.position = position


class PermissionDenied(QueryError):
    """A privilege is missing. `remedy` is the statement an administrator would run."""

    def __init__(self, message: str, hint: str = "", *, code: str = "", remedy: str = "") -> None:
        super().__init__(message, hint, code=code)
        self.remedy = remedy


class QueryTimeout(QueryError):
    """A statement took longer than it was given."""


class ValuesMissing(QueryError):
    """A statement has placeholders, and the server makes no plan without values for them."""


class NotApproved(DbtuiError):
    """Something that writes was asked for without an approval that covers it."""


class Forbidden(DbtuiError):
    """The policy of this machine does not allow it."""

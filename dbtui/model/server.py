"""Who answered: the product, its version, and what the console knows about the way there."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Environment(StrEnum):
    """How careful to be. What is not stated counts as production."""

    PRODUCTION = "production"
    STAGING = "staging"
    DEVELOPMENT = "development"


@dataclass(frozen=True, slots=True)
class Server:
    """The server that really answered, as probed at connect. Text is the server's own, unchanged."""

    product: str  # "PostgreSQL", "MariaDB", "Valkey": what answered, whatever the URL's scheme says
    version: str  # "18.6"
    version_number: int  # 180006: major * 10000 + minor, or the engine's own ordering number
    role: str  # "primary", "replica", or "" where the engine has no such notion
    address: str  # "db-01:5432" or a socket folder
    database: str
    user: str
    encoding: str = "UTF8"
    cloud: str = ""  # "rds", "aurora", "neon", "supabase", …; "" is self-hosted or unknown
    pooler: str = ""  # "pgbouncer" when a pooler stands between, else ""
    superuser: bool = False
    started: float | None = None  # epoch seconds
    settings: tuple[str, ...] = ()  # "name = value" of those that are not the default, as of the connect
    notes: tuple[str, ...] = ()  # what a user should know, one sentence each

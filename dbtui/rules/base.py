"""A rule: one module that says what it looks for, why, and what to do instead."""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from dbtui.model.finding import Severity

_PREFIXES = ("pg_", "my_", "lite_", "mongo_", "redis_", "es_", "any_")


@dataclass(frozen=True, slots=True)
class Rule:
    """A module of a rule package, read: its name is the id with underscores, its docstring the docs."""

    id: str
    severity: Severity
    docs: str
    check: Callable[..., Iterable[Any]]
    subjects: tuple[str, ...] = ()  # what a check wants to be asked about; empty is everything

    @property
    def title(self) -> str:
        """The first line of the docs."""
        return self.docs.partition("\n")[0]

    @property
    def pages(self) -> tuple[str, ...]:
        """The pages that the docs name."""
        return tuple(line.strip() for line in self.docs.splitlines() if line.strip().startswith("https://"))


def rule_ids(package: str) -> tuple[str, ...]:
    """Ids of the rules in a package, sorted, without importing one of them."""
    folder = import_module(package).__path__
    names = sorted(module.name for module in pkgutil.iter_modules(folder))
    return tuple(name.replace("_", "-") for name in names if name.startswith(_PREFIXES))


def load_rule(package: str, rule_id: str) -> Rule:
    """Import one rule. Raises ModuleNotFoundError for an id that the package does not have."""
    module = import_module(f"{package}.{rule_id.replace('-', '_')}")
    docs = inspect.cleandoc(module.__doc__ or "")
    return Rule(rule_id, module.SEVERITY, docs, module.check, getattr(module, "SUBJECTS", ()))

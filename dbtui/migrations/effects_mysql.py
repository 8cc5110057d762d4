"""What MySQL and MariaDB do for a statement: algorithm, lock and rebuild of the whole ALTER TABLE."""

from __future__ import annotations

from collections.abc import Mapping

from dbtui.migrations.locks import Cell, cell
from dbtui.migrations.uses_mysql import cells_of
from dbtui.model.migration import (
    Effects,
    Engine,
    Lock,
    Schema,
    Statement,
)
from dbtui.rules.migration.transaction import relation_of

_ALGORITHMS = ("", "INSTANT", "NOCOPY", "INPLACE", "COPY")
_LOCKS = ("", "NONE", "SHARED", "EXCLUSIVE")


def effects(
    statement: Statement,
    schema: Schema,
    engine: Engine,
    version: tuple[int, ...],
    settings: Mapping[str, str],
) -> tuple[Effects, str]:
    """What the server does, and why it would refuse the ALGORITHM= or LOCK= that is written ("" if it would not)."""
    tables: dict[str, list[Cell]] = {}
    options: dict[str, str] = {}
    by_action: list[tuple[str, ...]] = []
    for action in statement.actions:
        inline = action.op == "create index" and "inline" in action.options
        uses = () if inline else tuple(cells_of(action, statement, schema, settings))
        by_action.append(tuple(name for name, _ in uses))
        for name, relation in uses:
            found = cell(engine.value, name, version)
            if found is None:
                return Effects(), f"{name} needs another version"
            tables.setdefault(str(relation), []).append(found)
            options.update(
                {key: action.options[key] for key in ("algorithm", "lock") if key in action.options}
            )
    refused = ""
    locks: list[Lock] = []
    rewrites: list[str] = []
    scans: list[str] = []
    algorithm = ""
    for name, cells in tables.items():
        table_algorithm, lock, rewrite = _combined(cells, engine)
        if table_algorithm == "COPY" and lock == "NONE" and _cascades(schema, name):
            lock = "SHARED"
        if options:
            table_algorithm, lock, rewrite, refused = _asserted(
                (table_algorithm, lock, rewrite), cells, options, engine, version
            )
        algorithm = max(algorithm, table_algorithm, key=_ALGORITHMS.index)
        if lock:
            locks.append(Lock(name, lock))
        if rewrite:
            rewrites.append(name)
        if rewrite or any(one.scan for one in cells):
            scans.append(name)
    made = Effects(tuple(locks), tuple(rewrites), tuple(scans), algorithm or None, tuple(by_action))
    return made, refused


def _combined(cells: list[Cell], engine: Engine) -> tuple[str, str, bool]:
    """One algorithm for all: the heaviest, and a rebuild where an instant change cannot be instant any more."""
    algorithm = max((one.algorithm for one in cells), key=_ALGORITHMS.index)
    lock = max((one.lock for one in cells), key=_LOCKS.index)
    rewrite = any(one.rewrite for one in cells)
    if algorithm not in ("", "INSTANT") and any(one.alone for one in cells):
        rewrite = True
        algorithm = "COPY" if algorithm == "COPY" else "INPLACE"
    return algorithm, lock, rewrite


def _cascades(schema: Schema, name: str) -> bool:
    """Whether a foreign key changes rows of a table by itself: MariaDB copies none such beside writers (11.8)."""
    known = schema.table(relation_of(name))
    return known is not None and any(
        {made.on_delete, made.on_update} & {"cascade", "set null", "set default"}
        for made in known.constraints
    )


def _asserted(
    least: tuple[str, str, bool],
    cells: list[Cell],
    options: Mapping[str, str],
    engine: Engine,
    version: tuple[int, ...],
) -> tuple[str, str, bool, str]:
    """The effects under the ALGORITHM= and LOCK= that the statement demands."""
    algorithm, lock, rewrite = least
    wanted = options.get("algorithm", "DEFAULT")
    wanted_lock = options.get("lock", "DEFAULT")
    if wanted in _ALGORITHMS and algorithm:
        if _ALGORITHMS.index(wanted) < _ALGORITHMS.index(algorithm):
            return algorithm, lock, rewrite, f"ALGORITHM={wanted} is refused: it needs {algorithm}"
        if wanted == "COPY" and algorithm != "COPY":
            online = engine is Engine.MARIADB and version >= (11, 2)
            algorithm, rewrite = "COPY", True
            lock = max(lock, "NONE" if online else "SHARED", key=_LOCKS.index)
        elif engine is Engine.MYSQL:  # for MariaDB it is the most that may be done
            rewrite = rewrite or (wanted == "INPLACE" and any(one.alone for one in cells))
            algorithm = wanted
    if wanted_lock in _LOCKS:
        if _LOCKS.index(wanted_lock) < _LOCKS.index(lock):
            return algorithm, lock, rewrite, f"LOCK={wanted_lock} is refused: it needs {lock}"
        lock = wanted_lock
    return algorithm, lock, rewrite, ""

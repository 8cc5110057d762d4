"""The exact command of gh-ost or pt-online-schema-change for a change that the server itself cannot do online.

gh-ost needs row-based binary logs, a shared NOT NULL unique key, no foreign keys and no triggers, and it does not
serve MariaDB (its requirements-and-limitations document); pt-online-schema-change rebuilds foreign keys.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from dbtui.migrations.planner.one import command
from dbtui.model.change import ChangeStep
from dbtui.model.migration import Action, Engine, Relation
from dbtui.model.survey import Survey
from dbtui.rules.migration.step import Step

_LAG = 1500  # milliseconds: gh-ost's own default for --max-lag-millis
_RUNNING = 25  # threads: pt-online-schema-change's own default for --max-load


def online(place: Step, group: Sequence[Action], relation: Relation, survey: Survey | None) -> ChangeStep:
    """An external command with every option that it needs but the password, which it asks for."""
    change = ", ".join(action.text for action in group if action.text) or "ENGINE=InnoDB"
    database = relation.schema or (survey.database if survey is not None else "") or "DATABASE"
    host, port = _address(survey)
    facts = survey.table(relation) if survey is not None else None
    known = place.schema.table(relation)
    keys = known is not None and any(c.kind == "foreign key" for c in known.constraints)
    pointed_at = bool(place.schema.referencing(relation))
    triggers = facts is not None and bool(facts.triggers)
    keyless = known is not None and known.primary_key is None
    if place.engine is Engine.MARIADB or keys or pointed_at or triggers or keyless:
        words = ["pt-online-schema-change", "--alter", change]
        words += [
            "--max-load",
            f"Threads_running={_RUNNING}",
            "--critical-load",
            f"Threads_running={_RUNNING * 2}",
        ]
        words += ["--max-lag", "1", "--chunk-time", "0.5"]
        if pointed_at:
            words += ["--alter-foreign-keys-method", "rebuild_constraints"]
        if triggers:
            words.append("--preserve-triggers")
        words += ["--ask-pass", "--execute", f"h={host},P={port},D={database},t={relation.name}"]
        note = "run it first with --dry-run instead of --execute"
    else:
        words = ["gh-ost", f"--host={host}", f"--port={port}", f"--database={database}", f"--table={relation.name}",
                 f"--alter={change}", f"--max-lag-millis={_LAG}", f"--max-load=Threads_running={_RUNNING}",
                 f"--critical-load=Threads_running={_RUNNING * 2}", "--cut-over-lock-timeout-seconds=3",
                 "--default-retries=120", "--ask-pass", "--allow-on-master", "--execute"]  # fmt: skip
        note = "run it first without --execute, which only tests; it needs binlog_format=ROW"
    return command(
        "", shlex.join(words), relation=relation, notes=(note, "needs twice the table's disk space")
    )


def _address(survey: Survey | None) -> tuple[str, str]:
    if survey is None or not survey.address:
        return "HOST", "3306"
    host, _, port = survey.address.rpartition(":")
    return (host, port) if host and port.isdigit() else (survey.address, "3306")

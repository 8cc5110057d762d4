"""`dbtui monitoring`: the same thresholds for Prometheus and Grafana, so that they watch while nobody does."""

from __future__ import annotations

import argparse
import asyncio
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dbtui.commands.figures import print_figures
from dbtui.errors import UsageError
from dbtui.live.thresholds import read_thresholds, thresholds_file
from dbtui.model.export import Exported
from dbtui.model.server import Server
from dbtui.output import yaml
from dbtui.rules.live import Changes, LiveRule, rules

HOLD = "1m"  # that a condition holds before an alert fires
# whose figures the rules compare where the product has no SQL to be asked with
EXPORTERS = {
    "redis": "redis_exporter (oliver006)",
    "mongodb": "mongodb_exporter (Percona)",
    "elasticsearch": "elasticsearch_exporter (prometheus-community)",
}
EXAMPLES = """\
examples:
  dbtui monitoring prod-orders --to prometheus             print the rules and the queries
  dbtui monitoring prod-orders --to prometheus -o etc/     write them as files
  dbtui monitoring prod-orders --to grafana -o etc/        a dashboard with the same thresholds
  dbtui monitoring prod-orders --figures                   what alerts.toml may compare, and its value now
  dbtui monitoring --figures --engine mysql                the same without a server

Rules are for Prometheus (`promtool check rules dbtui-rules.yml`); queries are a collector for sql_exporter
(burningalchemist). For Redis, MongoDB and Elasticsearch the rules compare figures of the exporters that are usual
there, by the names that these document: not tried against running exporters.
Thresholds are those of health.toml; where it changes none, our own (`dbtui rules ID` explains each)."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    parser.epilog = EXAMPLES
    parser.add_argument(
        "server", nargs="?", metavar="URL|NAME", help="a connection URL or a saved connection"
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--to", choices=("prometheus", "grafana"), help="for whom")
    what.add_argument("--figures", action="store_true", help="list the figures that alerts may compare")
    parser.add_argument("--engine", metavar="ENGINE", help="list its figures, as in a URL: postgresql, redis")
    parser.add_argument("-o", "--output", type=Path, metavar="FOLDER", help="write files (default: print)")


def run(args: argparse.Namespace) -> int:
    """Print or write the files, or print the figures; 0. Raises UsageError, ConfigError, ConnectError."""
    if args.figures:
        print_figures(args.server, args.engine)
        return 0
    if args.server is None:
        raise UsageError("--to needs a server", "name a URL or a saved connection")
    name, server = asyncio.run(_ask(args.server))
    files = made(name, server, args.to, read_thresholds(thresholds_file()))
    for file, text in files.items():
        if args.output is None:
            print(f"# {file}\n{text}")
        else:
            args.output.mkdir(parents=True, exist_ok=True)
            (args.output / file).write_text(text, encoding="utf-8")
            print(args.output / file)
    return 0


async def _ask(server: str) -> tuple[str, Server]:
    from dbtui.config import resolve
    from dbtui.engines import create

    engine = create(resolve(server))
    try:
        return engine.name, await engine.open()
    finally:
        await engine.close()


def made(engine: str, server: Server, to: str, changes: Changes) -> Mapping[str, str]:
    """File name → text. Raises UsageError where no rule about the engine has a condition for Prometheus."""
    exported = [one for one in rules() if one.about(engine) and engine in one.exports]
    exported = [one for one in exported if not one.limits(changes).get("off")]
    if not exported:
        raise UsageError(f"{server.product} has no exporter that these rules could ask", "see dbtui rules")
    if to == "grafana":
        return {"dbtui-dashboard.json": json.dumps(dashboard(engine, exported, changes), indent=2) + "\n"}
    source = EXPORTERS.get(engine, "sql_exporter, by the collector beside this file")
    files = {
        "dbtui-rules.yml": f"# compares figures of {source}\n{yaml.dump(rule_file(engine, exported, changes))}"
    }
    if questions := queries_of(engine, server):
        files["dbtui-queries.collector.yml"] = yaml.dump(collector(engine, questions))
    return files


def queries_of(engine: str, server: Server) -> Sequence[Exported]:
    """What an exporter has to ask the server; nothing where a known exporter has the figures already."""
    if engine == "postgres":
        from dbtui.engines.postgres import exporter

        return exporter.queries(server.version_number)
    if engine == "mysql":
        from dbtui.engines.mysql import exporter as mysql_exporter

        return mysql_exporter.queries(mariadb=server.product == "MariaDB")
    return ()


def condition(one: LiveRule, engine: str, changes: Changes) -> str:
    """The rule's condition as PromQL, with the thresholds as they stand."""
    limits = {name: f"{value:.15g}" for name, value in one.limits(changes).items()}
    return one.exports[engine].format(**limits)


def rule_file(engine: str, exported: Sequence[LiveRule], changes: Changes) -> dict[str, Any]:
    """A Prometheus rule file: https://prometheus.io/docs/prometheus/latest/configuration/alerting_rules/"""
    alerts = [
        {
            "alert": "Dbtui" + one.rule.id.title().replace("-", ""),
            "expr": condition(one, engine, changes),
            "for": HOLD,
            "labels": {"severity": one.rule.severity.value, "rule": one.rule.id},
            "annotations": {
                "summary": one.rule.title,
                "description": "{{ $labels.instance }}: the figure is {{ $value }}",
                "thresholds": "; ".join(f"{t.name}: {t.why}" for t in one.thresholds) or "none",
                "runbook_url": next(iter(one.rule.pages), ""),
            },
        }
        for one in exported
    ]
    return {"groups": [{"name": f"dbtui-{engine}", "rules": alerts}]}


def collector(engine: str, questions: Sequence[Exported]) -> dict[str, Any]:
    """A collector of sql_exporter: a metric for each figure, all of one question sharing its query."""
    metrics: list[dict[str, Any]] = []
    queries: list[dict[str, Any]] = []
    for number, question in enumerate(questions, 1):
        reference = f"{engine}_{number}"
        queries.append({"query_name": reference, "query": question.sql.strip()})
        for name, kind, what in question.figures:
            metric: dict[str, Any] = {"metric_name": name, "type": kind, "help": what}
            if question.labels:
                metric["key_labels"] = list(question.labels)
            metrics.append({**metric, "values": [name], "query_ref": reference})
    return {"collector_name": f"dbtui_{engine}", "metrics": metrics, "queries": queries}


_SIDES = re.compile(r"\s(?:and|or|unless)\s")
_COMPARISON = re.compile(r"(.*?)\s(>=|<=|>|<|==)\s(?:bool\s)?(.*)", re.S)


def dashboard(engine: str, exported: Sequence[LiveRule], changes: Changes) -> dict[str, Any]:
    """A Grafana dashboard: a graph for each rule's figure, with its threshold as a line where it is a number."""
    panels = []
    for number, one in enumerate(exported):
        figure, limit = _sides(condition(one, engine, changes))
        steps: list[dict[str, Any]] = [{"color": "green", "value": None}]
        if limit is not None:
            steps.append({"color": "red" if one.rule.severity == "error" else "orange", "value": limit})
        panels.append(
            {
                "id": number + 1,
                "type": "timeseries",
                "title": one.rule.title.rstrip("."),
                "description": one.rule.docs,
                "gridPos": {"h": 8, "w": 12, "x": 12 * (number % 2), "y": 8 * (number // 2)},
                "datasource": {"type": "prometheus", "uid": "${datasource}"},
                "targets": [{"refId": "A", "expr": figure}],
                "fieldConfig": {
                    "defaults": {
                        "thresholds": {"mode": "absolute", "steps": steps},
                        "custom": {"thresholdsStyle": {"mode": "line"}},
                    },
                    "overrides": [],
                },
            }
        )
    source = {"name": "datasource", "type": "datasource", "query": "prometheus"}
    return {
        "title": f"dbtui: {engine}",
        "uid": f"dbtui-{engine}",
        "schemaVersion": 39,
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": [source]},
        "panels": panels,
    }


def _sides(expression: str) -> tuple[str, float | None]:
    """The figure that the first comparison is about, and its limit where that is a plain number."""
    match = _COMPARISON.fullmatch(_SIDES.split(expression)[0])
    if match is None:
        return expression, None
    try:
        return match[1], float(match[3])
    except ValueError:
        return match[1], None

"""Files for Prometheus and Grafana: of the shape those programs read, with figures that real servers answer."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml

from dbtui.cli import main
from dbtui.commands.monitoring import made, queries_of
from dbtui.config import config_folder
from dbtui.engines import metrics
from dbtui.errors import UsageError
from dbtui.live.figures import figure, figures
from dbtui.model.activity import Activity
from dbtui.model.server import Server
from dbtui.model.snapshot import Section, Snapshot
from dbtui.output.yaml import dump
from dbtui.rules.live import rules
from tests.servers.mysql import MysqlProtocolServer
from tests.servers.postgres import PostgresServer

ENGINES = ("postgres", "mysql", "redis", "mongodb", "elasticsearch")
PROMTOOL = shutil.which("promtool")


def server(product: str = "PostgreSQL", version: int = 180_000) -> Server:
    return Server(product, "", version, "", "", "", "")


def rule_file(engine: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(made(engine, server(), "prometheus", {})["dbtui-rules.yml"])
    return found


@pytest.mark.parametrize("engine", ENGINES)
def test_rules_have_what_prometheus_asks_for(engine: str) -> None:
    (group,) = rule_file(engine)["groups"]
    names = [alert["alert"] for alert in group["rules"]]
    assert len(names) == len(set(names)) >= 4
    for alert in group["rules"]:
        assert set(alert) == {"alert", "expr", "for", "labels", "annotations"}
        assert re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", alert["alert"])
        promql_parser.parse(alert["expr"])  # raises ValueError for words and for types that do not fit
        assert alert["labels"]["severity"] in ("error", "warning", "info")
        assert alert["annotations"]["runbook_url"].startswith("https://")


@pytest.mark.skipif(PROMTOOL is None, reason="no promtool on the path (Debian: apt install prometheus)")
@pytest.mark.parametrize("engine", ENGINES)
def test_promtool_takes_the_rules(engine: str, tmp_path: Path) -> None:
    file = tmp_path / "rules.yml"
    file.write_text(made(engine, server(), "prometheus", {})["dbtui-rules.yml"])
    done = subprocess.run([str(PROMTOOL), "check", "rules", str(file)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("engine", ENGINES)
def test_every_figure_that_a_rule_compares_is_collected(engine: str) -> None:
    compared = {name for one in rules() for name in re.findall(r"dbtui_\w+", one.exports.get(engine, ""))}
    collected = {
        name
        for product in ("MySQL", "MariaDB")
        for question in queries_of(engine, server(product))
        for name, _, _ in question.figures
    }
    assert compared <= collected


def test_changed_thresholds_are_those_that_are_written() -> None:
    changes = {"any-connections-scarce": {"share": 0.95}, "pg-wraparound": {"off": 1.0}}
    text = made("postgres", server(), "prometheus", changes)["dbtui-rules.yml"]
    assert "> 0.95 * dbtui_pg_connections_limit" in text and "Wraparound" not in text


def test_the_queries_of_postgresql_run_on_it(postgres: PostgresServer) -> None:
    postgres.psql("create table if not exists worn (n int)")
    questions = queries_of("postgres", server(version=postgres.version * 10_000))
    for question in questions:
        columns = [name for name, _, _ in question.figures] + list(question.labels)
        rows = postgres.psql(f"select {', '.join(columns)} from ({question.sql}) as q")
        assert rows or question.labels, question.sql
    postgres.psql("drop table worn")


def test_the_queries_of_mysql_and_mariadb_run_on_them(mysql: MysqlProtocolServer) -> None:
    product = "MariaDB" if "maria" in type(mysql).__name__.lower() else "MySQL"
    for question in queries_of("mysql", server(product)):
        (row,) = mysql.sql(question.sql)
        assert len(row) == len(question.figures) and None not in row, question.sql


def test_the_collector_refers_to_its_queries() -> None:
    collector = yaml.safe_load(made("postgres", server(), "prometheus", {})["dbtui-queries.collector.yml"])
    queries = {query["query_name"]: query["query"] for query in collector["queries"]}
    for metric in collector["metrics"]:
        assert metric["metric_name"] in queries[metric["query_ref"]]
        assert metric["type"] == ("counter" if metric["metric_name"].endswith("_total") else "gauge")
        assert re.fullmatch(r"[a-zA-Z_:][a-zA-Z0-9_:]*", metric["metric_name"])
    names = [metric["metric_name"] for metric in collector["metrics"]]
    assert len(set(names)) == len(names) and len(queries) == len(collector["queries"])


def test_a_dashboard_has_a_panel_for_each_rule_and_its_threshold() -> None:
    found = json.loads(made("postgres", server(), "grafana", {})["dbtui-dashboard.json"])
    panel = next(p for p in found["panels"] if p["title"].startswith("Transaction ids"))
    assert panel["targets"][0]["expr"] == "dbtui_pg_oldest_transaction_id_age"
    assert panel["fieldConfig"]["defaults"]["thresholds"]["steps"][1] == {"color": "orange", "value": 1e9}
    assert len({p["id"] for p in found["panels"]}) == len(found["panels"]) >= 10


@pytest.mark.parametrize("engine", ENGINES)
def test_a_dashboard_is_what_grafana_imports(engine: str) -> None:
    found = json.loads(made(engine, server(), "grafana", {})["dbtui-dashboard.json"])
    (variable,) = found["templating"]["list"]
    assert re.fullmatch(r"[a-zA-Z0-9_-]{1,40}", found["uid"]) and variable["type"] == "datasource"
    taken = set()
    for panel in found["panels"]:
        assert panel["type"] == "timeseries" and panel["title"]
        assert panel["datasource"] == {"type": "prometheus", "uid": f"${{{variable['name']}}}"}
        for target in panel["targets"]:
            promql_parser.parse(target["expr"])
        steps = [step["value"] for step in panel["fieldConfig"]["defaults"]["thresholds"]["steps"]]
        assert steps[0] is None and steps[1:] == sorted(steps[1:])
        place = panel["gridPos"]
        assert 0 <= place["x"] <= 24 - place["w"] and (place["x"], place["y"]) not in taken
        taken.add((place["x"], place["y"]))


def test_the_verb_writes_files_and_says_which(
    postgres18: PostgresServer, tmp_path: Path, capsys: Any
) -> None:
    out = tmp_path / "etc"
    assert main(["monitoring", postgres18.url(), "--to", "prometheus", "-o", str(out)]) == 0
    assert sorted(file.name for file in out.iterdir()) == ["dbtui-queries.collector.yml", "dbtui-rules.yml"]
    assert "dbtui-rules.yml" in capsys.readouterr().out
    assert main(["monitoring", postgres18.url(), "--to", "grafana"]) == 0
    assert '"schemaVersion"' in capsys.readouterr().out


def test_a_broken_file_of_thresholds_is_told(postgres18: PostgresServer, capsys: Any) -> None:
    config_folder().mkdir(parents=True)
    (config_folder() / "health.toml").write_text("[no-such-rule]\nx = 1\n")
    assert main(["monitoring", postgres18.url(), "--to", "prometheus"]) == 2
    assert "no-such-rule" in capsys.readouterr().err


def test_an_engine_without_an_exporter_is_refused() -> None:
    with pytest.raises(UsageError):
        made("sqlite", server("SQLite"), "prometheus", {})


def test_yaml_is_read_back_as_it_was() -> None:
    value = {"a": [{"b": 'x: "y" # z', "c": "two\nlines"}, 1, True], "key: odd": {}, "f": 1e9, "é": "\u2028"}
    assert yaml.safe_load(dump(value)) == value


@pytest.mark.parametrize("engine", [*ENGINES, "sqlite"])
def test_the_figures_of_an_engine_are_those_that_alerts_compare(engine: str) -> None:
    listed = list(figures(engine, metrics(engine)))
    names = [one.name for one in listed]
    assert len(set(names)) == len(names) and all(one.what for one in listed)
    counters = {one.name: 1.0 for one in listed if not one.unit}
    snapshot = Snapshot(
        at=0.0, metrics={metric.id: 1.0 for metric in metrics(engine)},
        counters=Section(counters, 0.0), activity=Section(Activity((), 0, None), 0.0),
    )  # fmt: skip
    assert None not in {figure(name, snapshot, ()) for name in names}
    assert figure("no_such_figure", snapshot, ()) is None


def test_the_figures_of_a_server_have_their_values(postgres18: PostgresServer, capsys: Any) -> None:
    assert main(["monitoring", postgres18.url(), "--figures"]) == 0
    rows = {line.split()[0]: line.split() for line in capsys.readouterr().out.splitlines()}
    assert float(rows["max_connections"][1]) == float(postgres18.psql("show max_connections"))
    assert rows["tps"][2] == "/s" and float(rows["tps"][1]) >= 0
    assert rows["any-deadlocks"][1:3] == ["0", "findings"]


def test_figures_of_what_cannot_be_reached_or_is_no_engine_are_refused(capsys: Any) -> None:
    assert main(["monitoring", "postgresql://127.0.0.1:1/x", "--figures"]) == 2
    assert "nothing listens" in capsys.readouterr().err
    assert main(["monitoring", "--figures", "--engine", "oracle"]) == 2
    assert "no engine oracle" in capsys.readouterr().err
    assert main(["monitoring", "--figures", "--engine", "valkey"]) == 0
    assert "redis-hot-key" in capsys.readouterr().out

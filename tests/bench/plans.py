"""How long a plan of 2,000 nodes takes to be parsed, measured and judged, in each notation."""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Callable
from statistics import median
from typing import Any

from dbtui.plans import parse
from dbtui.plans.formats.postgres_document import label
from dbtui.rules.plan import findings

NODES = 2_000
LIMIT_MS = 100.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the measurement."""
    parser.add_argument("--runs", type=int, default=15)


def run(args: argparse.Namespace) -> None:
    """Print the best, the median and the worst of each notation: other work on the machine only adds."""
    tree = sample(NODES)
    plans = {"json": json.dumps([{"Plan": tree, "Execution Time": 1e6}], indent=2), "text": as_text(tree)}
    for notation, text in plans.items():
        runs = [_timed(lambda text=text: findings(parse(text))) for _ in range(args.runs)]  # type: ignore[misc]
        walls = [wall for wall, _ in runs]
        verdict = "under" if min(walls) < LIMIT_MS else "OVER"
        print(
            f"plans: {NODES} nodes, {len(text) / 1024:.0f} kB of {notation}: parsed, measured and judged in"
            f" {min(walls):.1f} ms, {verdict} {LIMIT_MS:.0f} ms (CPU {min(cpu for _, cpu in runs):.1f} ms;"
            f" median {median(walls):.1f}, worst {max(walls):.1f})"
        )
    big = json.dumps([{"Plan": sample(45_000)}])
    print(
        f"plans: 45000 nodes, {len(big) / 1e6:.0f} MB of json: {_timed(lambda: parse(big))[0] / 1000:.1f} s"
    )


def _timed(work: Callable[[], object]) -> tuple[float, float]:
    """Milliseconds by the clock, and of this process's CPU."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return (time.perf_counter() - wall) * 1000, (time.process_time() - cpu) * 1000


def sample(count: int) -> dict[str, Any]:
    """A tree of partitions, joins, InitPlans and CTEs with figures that are inclusive, as a server's are."""
    chance = random.Random(7)
    root = _node("Append", 0, chance)
    inner = [(root, 0)]
    for number in range(1, count):
        parent, depth = inner[chance.randrange(len(inner))]
        kind = chance.choice(
            ("Seq Scan", "Index Scan", "Hash Join", "Nested Loop", "Sort", "Aggregate", "CTE Scan")
        )
        node = _node(kind, number, chance)
        if number % 40 == 0:
            node["Parent Relationship"] = "InitPlan"
            node["Subplan Name"] = f"InitPlan {number}" if number % 80 else f"CTE c{number}"
        parent.setdefault("Plans", []).append(node)
        if "Scan" not in kind and depth < 60:
            inner.append((node, depth + 1))
    return root


def _node(kind: str, number: int, chance: random.Random) -> dict[str, Any]:
    node = {
        "Node Type": kind,
        "Parent Relationship": "Outer",
        "Parallel Aware": False,
        "Async Capable": False,
        "Startup Cost": 0.0,
        "Total Cost": round(chance.uniform(1, 1e6), 2),
        "Plan Rows": chance.randrange(1, 100_000),
        "Plan Width": 40,
        "Actual Startup Time": 0.001,
        "Actual Total Time": round(chance.uniform(0.001, 900), 3),
        "Actual Rows": float(chance.randrange(100_000)),
        "Actual Loops": chance.choice((1, 1, 1, 3, 2000)),
        "Filter": f"((state = 'paid'::text) AND (total > (InitPlan {number // 40 * 40}).col1))",
        "Rows Removed by Filter": 17,
        "Shared Hit Blocks": chance.randrange(10_000),
        "Shared Read Blocks": chance.randrange(100),
    }
    if kind.endswith("Scan") and kind != "CTE Scan":
        node |= {"Relation Name": f"orders_{number}", "Schema": "public", "Alias": "o"}
    if kind == "CTE Scan":
        node |= {"CTE Name": f"c{number // 80 * 80}", "Alias": "c"}
    return node


def as_text(root: dict[str, Any]) -> str:
    """The text form of such a tree."""
    lines: list[str] = []
    waiting = [(root, 0)]
    while waiting:
        node, column = waiting.pop()
        arrow = " " * (column - 4) + "->  " if column else ""
        lines.append(
            f"{arrow}{label(node)}  (cost=0.00..{node['Total Cost']:.2f} rows={node['Plan Rows']} width=40) (actual"
            f" time=0.001..{node['Actual Total Time']:.3f} rows={node['Actual Rows']:.2f} loops={node['Actual Loops']})"
        )
        space = " " * (column + 2)
        lines += [f"{space}Filter: {node['Filter']}", f"{space}Rows Removed by Filter: 17"]
        lines.append(
            f"{space}Buffers: shared hit={node['Shared Hit Blocks']} read={node['Shared Read Blocks']}"
        )
        waiting.extend((child, column + 6) for child in reversed(node.get("Plans", [])))
    return "\n".join([*lines, "Execution Time: 1000000.000 ms"])

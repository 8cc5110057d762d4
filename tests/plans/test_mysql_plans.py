"""Plans of MySQL and MariaDB: every notation of every shape on real servers, and self times that add up."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbtui.errors import InputError
from dbtui.live.masking import masker
from dbtui.model.plan import Plan
from dbtui.plans import parse
from dbtui.plans.formats.mysql_iterators import short
from dbtui.plans.masking import masked
from dbtui.plans.summary import weights
from tests.servers.mariadb import MariadbServer
from tests.servers.mysql import MysqlProtocolServer, MysqlServer

SCHEMA = (
    "CREATE TABLE customer (id INT PRIMARY KEY, name VARCHAR(40), country CHAR(2), KEY country (country))",
    "CREATE TABLE orders (id INT PRIMARY KEY, customer INT, state VARCHAR(9), total INT, placed DATE,"
    " KEY customer (customer), KEY placed (placed))",
    "CREATE TABLE line (id INT AUTO_INCREMENT PRIMARY KEY, orders INT, qty INT, KEY orders (orders))",
    "INSERT INTO customer WITH RECURSIVE n AS (SELECT 1 x UNION ALL SELECT x + 1 FROM n WHERE x < 400)"
    " SELECT x, CONCAT('c', x), ELT(1 + x % 4, 'DE', 'FR', 'US', 'GB') FROM n",
    "INSERT INTO orders SELECT a.id * 5 + b.id, 1 + (a.id * 7919 + b.id) % 400,"
    " ELT(1 + b.id % 3, 'new', 'paid', 'sent'), (a.id * 37 + b.id) % 1000, '2025-01-01' + INTERVAL a.id % 365 DAY"
    " FROM customer a JOIN customer b ON b.id <= 5",
    "INSERT INTO line (orders, qty) SELECT o.id, c.id % 7 FROM orders o JOIN customer c ON c.id <= 3",
    "ANALYZE TABLE customer, orders, line",
)
SHAPES = {
    "constant": "select 1",
    "primary key": "select * from orders where id = 77",
    "range": "select * from orders where id between 10 and 200",
    "scan": "select * from orders where total > 500",
    "impossible": "select * from orders where 1 = 0",
    "no row": "select * from orders where id = -5",
    "top n": "select * from orders order by total desc limit 10",
    "sort": "select customer, total from orders order by total",
    "sort of text": "select name from customer order by concat(name, country)",
    "group by index": "select customer, count(*) from orders group by customer",
    "group and sort": "select state, sum(total) s from orders group by state order by s",
    "rollup": "select state, customer, count(*) from orders group by state, customer with rollup",
    "having": "select customer, count(*) c from orders group by customer having c > 3",
    "distinct": "select distinct state from orders",
    "join": "select c.name, o.total from customer c join orders o on o.customer = c.id where c.country = 'DE'",
    "three": "select c.name, sum(l.qty) from customer c join orders o on o.customer = c.id"
    " join line l on l.orders = o.id where c.country = 'FR' group by c.name order by 2 desc limit 5",
    "hash join": "select count(*) from orders a join line l on l.qty = a.total where a.id < 300",
    "cross": "select count(*) from customer a join customer b on a.name < b.name where a.id < 40",
    "left": "select c.id from customer c left join orders o on o.customer = c.id where o.id is null",
    "in": "select * from customer where id in (select customer from orders where total > 900)",
    "not in": "select * from customer where id not in (select customer from orders where total > 100)",
    "exists": "select * from customer c where exists"
    " (select 1 from orders o where o.customer = c.id and o.total > 800)",
    "semi join with limit": "select o.id from orders o"
    " where o.customer in (select id from customer where country = 'DE') limit 3",
    "in the select list": "select id, (select max(total) from orders o where o.customer = c.id) from customer c"
    " where c.id < 200",
    "once in the select list": "select id, (select max(total) from orders) from customer where id < 200",
    "two in the select list": "select id, (select max(total) from orders o where o.customer = c.id),"
    " (select count(*) from line l where l.orders = c.id) from customer c where c.id < 90",
    "sorted by a subquery": "select id, (select count(*) from line l where l.orders = o.id) n from orders o"
    " where o.id < 300 order by n desc limit 5",
    "grouped by a subquery": "select (select max(total) from orders o where o.customer = c.id) m, count(*)"
    " from customer c group by m",
    "in the condition": "select * from orders where total > (select avg(total) from orders)",
    "correlated condition": "select c.id from customer c"
    " where (select count(*) from orders o where o.customer = c.id) > 3",
    "condition below a sort": "select id from orders o where total >= (select avg(total) from orders p"
    " where p.customer = o.customer) order by total limit 7",
    "derived": "select d.customer, d.n from (select customer, count(*) n from orders group by customer) d"
    " where d.n > 5",
    "derived join": "select c.name, d.n from customer c"
    " join (select customer, count(*) n from orders group by customer) d on d.customer = c.id where c.country = 'DE'",
    "derived with a subquery": "select * from (select id, (select count(*) from line l where l.orders = o.id) n"
    " from orders o limit 50) d where d.n > 0",
    "union": "select id from customer where country = 'DE' union select customer from orders where state = 'new'",
    "union all": "select id from customer union all select id from orders where id < 100 limit 50",
    "intersect": "select id from customer intersect select customer from orders",
    "cte twice": "with big as (select customer, sum(total) t from orders group by customer)"
    " select * from big a join big b on a.customer = b.customer where a.t > 1000",
    "recursive": "with recursive n as (select 1 x union all select x + 1 from n where x < 300) select sum(x) from n",
    "window": "select id, row_number() over (partition by customer order by total) r from orders where id < 1000",
    "two windows": "select id, sum(total) over (order by id), rank() over (partition by state order by total)"
    " from orders where id < 200",
    "index merge": "select * from orders where customer = 5 or placed = '2025-03-03'",
    "offset": "select * from orders order by id limit 10 offset 500",
    "text with brackets": "select * from customer where name = ' (actual time=1..2 rows=3 loops=4)\\n-> Filter'",
    "text with quotes": "select * from customer where name = 'it''s \"so Xsecret\" \\\\ far, \"Xsecret\": 1'",
}  # fmt: skip
NOTATIONS = {
    "mysql": {
        "tree": "EXPLAIN ANALYZE {}",
        "json": "EXPLAIN ANALYZE FORMAT=JSON {}",
        "tree estimates": "EXPLAIN FORMAT=TREE {}",
        "json estimates": "EXPLAIN FORMAT=JSON {}",
        "json 1": "EXPLAIN FORMAT=JSON {}",
    },
    "mariadb": {"json": "ANALYZE FORMAT=JSON {}", "json estimates": "EXPLAIN FORMAT=JSON {}"},
}
CASES = [(engine, notation) for engine, notations in NOTATIONS.items() for notation in notations]


@cache
def texts(server: MysqlProtocolServer, notation: str) -> dict[str, str]:
    """The plan of every shape, in one notation."""
    connection = server.connect(_database(server))
    found = {}
    try:
        cursor = connection.cursor()
        if server.engine == "mysql":
            cursor.execute(f"SET SESSION explain_json_format_version = {1 if notation == 'json 1' else 2}")
        for name, sql in SHAPES.items():
            cursor.execute(NOTATIONS[server.engine][notation].format(sql))
            row = cursor.fetchone()
            assert row is not None
            found[name] = str(row[0])
    finally:
        connection.close()
    return found


@cache
def _database(server: MysqlProtocolServer) -> str:
    name = server.create_database()
    server.sql(*SCHEMA, database=name)
    return name


def figures(plan: Plan) -> list[tuple[object, ...]]:
    return [
        (n.parent, n.relation, n.index, n.rows, n.estimated_rows, n.total_cost, n.self_ms) for n in plan.nodes
    ]


@pytest.mark.parametrize(("engine", "notation"), CASES)
def test_self_times_of_every_shape_add_up(engine: str, notation: str, request: pytest.FixtureRequest) -> None:
    server = request.getfixturevalue("mysql9" if engine == "mysql" else "mariadb11")
    measured = notation in ("tree", "json")
    for name, text in texts(server, notation).items():
        plan = parse(text)
        _check_tree(plan, name)
        assert plan.format == ("mysql-tree" if "tree" in notation else f"{engine}-json"), name
        assert all(share is None or 0 <= share <= 1 for share in weights(plan)), name
        kept = masked(plan, masker("mysql"))
        assert kept is not None and figures(parse(kept)) == figures(plan), name
        assert "Xsecret" not in kept, name
        if not measured:
            assert not plan.analyzed, name
            assert plan.total_ms is None, name
        elif plan.total_ms is not None:
            _check_times(plan, name, text)
        elif engine == "mysql":
            assert name in ("constant", "impossible", "no row"), name


def _check_tree(plan: Plan, name: str) -> None:
    assert plan.nodes, name
    assert plan.nodes[0].parent is None, name
    for number, node in enumerate(plan.nodes):
        assert node.id == number, name
        assert node.label, name
        assert node.operation, name
        if number:
            assert node.parent is not None, name
            assert node.parent < number, name
            assert node.depth == plan.nodes[node.parent].depth + 1, name
        assert node.self_cost is None or node.self_cost >= 0, name


def _check_times(plan: Plan, name: str, text: str) -> None:
    root = plan.nodes[0]
    selves = [node.self_ms for node in plan.nodes]
    assert all(self_ms is not None and self_ms >= 0 for self_ms in selves), (name, text)
    assert sum(self_ms or 0.0 for self_ms in selves) == pytest.approx(root.total_ms, abs=1e-6), (name, text)
    assert plan.self_sum_ms == pytest.approx(plan.total_ms, abs=1e-6), name
    # What overlapping timers and rounded figures cost stays small, or it is told as rounding.
    assert plan.rounding_ms <= max(0.25 * (plan.total_ms or 0.0), 0.5), (name, plan.rounding_ms, text)
    for node in plan.nodes[1:]:
        assert node.parent is not None
        parent = plan.nodes[node.parent]
        assert (node.total_ms or 0.0) <= (parent.total_ms or 0.0) + 1e-6, (name, node.label)


def test_rows_and_loops_are_those_of_the_server(mysql9: MysqlServer, mariadb11: MariadbServer) -> None:
    for server in (mysql9, mariadb11):
        plan = parse(texts(server, "json")["in the select list"])
        inner = next(
            node
            for node in plan.nodes
            if node.relation.rpartition(".")[2] == "o" or "orders" in node.relation
        )
        assert inner.loops == 199
        outer = next(node for node in plan.nodes if node.rows == 199)
        assert outer.loops == 1


def test_a_subquery_of_the_select_list_is_beside_its_parents_clock(mysql9: MysqlServer) -> None:
    plan = parse(texts(mysql9, "json")["in the select list"])
    subquery = next(node for node in plan.nodes if node.relationship == "Select list")
    assert subquery.subplan.startswith("Select #2")
    assert plan.nodes[0].total_ms is not None
    assert subquery.total_ms is not None
    assert plan.nodes[0].total_ms > subquery.total_ms


def test_a_subquery_runs_inside_the_sort_that_wants_it(mariadb11: MariadbServer) -> None:
    plan = parse(texts(mariadb11, "json")["sorted by a subquery"])
    subquery = next(node for node in plan.nodes if node.relationship == "Subquery")
    assert subquery.parent is not None
    assert plan.nodes[subquery.parent].operation == "Sort"


def test_both_notations_of_mysql_tell_the_same_tree(mysql9: MysqlServer) -> None:
    trees, documents = texts(mysql9, "tree estimates"), texts(mysql9, "json estimates")
    for name in SHAPES:
        tree, document = parse(trees[name]), parse(documents[name])
        assert [node.depth for node in tree.nodes] == [node.depth for node in document.nodes], name
        assert [node.operation for node in tree.nodes] == [node.operation for node in document.nodes], name


def test_never_executed_is_no_division(mysql9: MysqlServer) -> None:
    plan = parse(texts(mysql9, "tree")["cte twice"])
    never = next(node for node in plan.nodes if "printed elsewhere" in node.label)
    assert never.loops == 0
    assert never.self_ms == 0


def test_a_table_of_mariadb_read_twice_under_one_key_is_two_nodes() -> None:
    text = """{"query_block": {"select_id": 1, "r_loops": 1, "r_total_time_ms": 5,
      "table": {"table_name": "a", "access_type": "ALL", "r_loops": 1, "r_table_time_ms": 1, "r_other_time_ms": 1},
      "table": {"table_name": "b", "access_type": "ref", "key": "k", "r_loops": 2, "r_table_time_ms": 2}}}"""
    plan = parse(text)
    assert [node.relation for node in plan.nodes] == ["", "a", "b"]
    assert [node.self_ms for node in plan.nodes] == [1.0, 2.0, 2.0]


def test_timers_that_overlap_are_fitted_and_told() -> None:
    text = """{"query_block": {"select_id": 1, "r_loops": 1, "r_total_time_ms": 6, "nested_loop": [
      {"table": {"table_name": "a", "access_type": "ALL", "r_loops": 1, "r_rows": 2, "r_table_time_ms": 4}},
      {"table": {"table_name": "b", "access_type": "ALL", "r_loops": 1, "r_rows": 2, "r_table_time_ms": 4}}]}}"""
    plan = parse(text)
    assert [node.self_ms for node in plan.nodes] == [0.0, 3.0, 3.0]
    assert plan.rounding_ms == 2.0


@pytest.mark.parametrize("form", ["vertical", "framed", "batch", "heading", "crlf"])
def test_what_the_clients_print_around_a_plan_is_taken_off(mysql9: MysqlServer, form: str) -> None:
    for notation in ("tree", "json"):
        text = texts(mysql9, notation)["three"]
        frame = "+---------+"
        printed = {
            "vertical": f"{'*' * 27} 1. row {'*' * 27}\nEXPLAIN: {text}\n1 row in set (0,01 sec)\n",
            "framed": f"{frame}\n| EXPLAIN |\n{frame}\n| {text} |\n{frame}\n1 row in set (0.00 sec)\n",
            "batch": "EXPLAIN\n" + text.replace("\\", "\\\\").replace("\n", "\\n") + "\n",
            "heading": f"EXPLAIN\n{text}",
            "crlf": text.replace("\n", "\r\n"),
        }[form]
        assert [node.label for node in parse(printed).nodes] == [node.label for node in parse(text).nodes]


@pytest.mark.parametrize(
    "text",
    [
        '{"query_block": {"select_id": 1}}',
        '{"query_block": {"table": 5}}',
        '{"query_block": []}',
        '{"query_plan": {}}',
        '{"query_plan": {"operation": "Sort", "access_type": "sort", "inputs": {}}}',
        '{"query_plan": {"operation": "Sort", "access_type": "sort", "inputs": [7]}}',
        '{"query_plan": {"operation": "<not executable by iterator executor>"',
        '{"query_block": {"table": {"table_name": "a", "r_loops": 1e300}}}',
        "-> <not executable by iterator executor>",
        "-> A\n-> B",
        "-> A  (actual time=1..2e400 rows=1 loops=1)",
        "-> A  (actual time=1..2.3.4 rows=1 loops=1)",
        '{"query_block": {"nested_loop": '
        + '[{"table": {"materialized": {"query_block": {"nested_loop": ' * 300,
        '{"query_plan": ' + '{"operation": "x", "access_type": "y", "inputs": [' * 900 + "]}" * 900 + "}",
    ],
)
def test_what_is_no_plan_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(InputError) as caught:
        parse(text)
    assert "\n" not in str(caught.value)


LINES = st.builds(
    "{}-> {}  (cost={} rows={}) (actual time={}..{} rows={} loops={})".format,
    st.integers(0, 4).map(lambda n: "    " * n),
    st.sampled_from(
        ["Filter: (a > 1)", "Table scan on t", "Select #2 (subquery in projection; dependent)", "Sort: a"]
    ),
    *[st.integers(0, 10**6)] * 6,
)


@given(
    st.lists(LINES | st.sampled_from(["-> Hash", "    -> Nothing (never executed)", "x", ""]), max_size=12)
)
def test_any_tree_adds_up_or_is_refused(lines: list[str]) -> None:
    try:
        plan = parse("-> Limit: 1 row(s)  (actual time=0..7.5 rows=1 loops=1)\n" + "\n".join(lines))
    except InputError:
        return
    assert sum(node.self_ms or 0.0 for node in plan.nodes) == pytest.approx(plan.nodes[0].total_ms or 0.0)
    assert all((node.self_ms or 0.0) >= 0 for node in plan.nodes)


KEYS = """
    table query_block nested_loop filesort temporary_table subqueries materialized r_total_time_ms r_loops r_rows
    r_table_time_ms table_name select_id cost_info inputs operation access_type actual_loops actual_last_row_ms message
""".split()  # noqa: SIM905
VALUES = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.integers(0, 100) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5),
    max_leaves=25,
)


@given(st.sampled_from(["query_block", "query_plan"]), VALUES)
def test_any_document_adds_up_or_is_refused(key: str, value: object) -> None:
    import json

    try:
        plan = parse(json.dumps({key: value}))
    except InputError:
        return
    total = plan.nodes[0].total_ms or 0.0
    assert sum(node.self_ms or 0.0 for node in plan.nodes) == pytest.approx(total, rel=1e-6, abs=1e-9)


def test_kinds_are_short() -> None:
    assert short("Filter: (a > 1)") == "Filter"
    assert short("Covering index lookup on o using k (a = 1)") == "Covering index lookup"
    assert short("Inner hash join (l.qty = a.total)") == "Inner hash join"
    assert short("Table scan on <temporary>") == "Table scan"

"""Plans for engines without SQL: what is read, in which order it is done, and what can be undone."""

from __future__ import annotations

import pytest

from dbtui.errors import UsageError
from dbtui.migrations.files import MigrationFile
from dbtui.migrations.planner.documents import make_for
from dbtui.migrations.planner.mongodb import calls
from dbtui.model.change import ChangePlan, Kind


def plan(engine: str, text: str) -> ChangePlan:
    return make_for(engine, [MigrationFile("change", text)])


def kinds(made: ChangePlan) -> list[str]:
    return [step.kind.name for step in made.steps]


def test_calls_are_found_among_comments_strings_and_brackets() -> None:
    script = """// db.a.drop()
      db.orders.updateMany({note: "a, (b) // c"}, {$set: {x: [1, 2]}});
      /* db.b.drop() */ db.getCollection('odd-name').createIndex({"a.b": 1, c: -1}, {unique: true})"""
    found = list(calls(script))
    assert [(one.collection, one.method, one.line) for one in found] == [
        ("orders", "updateMany", 2),
        ("odd-name", "createIndex", 3),
    ]
    assert found[0].arguments == ('{note: "a, (b) // c"}', "{$set: {x: [1, 2]}}")
    assert found[1].target == 'db.getCollection("odd-name")'


def test_mongodb_looks_for_duplicates_before_a_unique_index() -> None:
    made = plan("mongodb", "db.users.createIndex({email: 1, at: -1}, {unique: true})")
    assert kinds(made) == ["CHECK", "INDEX"]
    assert made.steps[1].verbatim
    assert made.steps[1].down == ('db.users.dropIndex("email_1_at_-1")',)


def test_mongodb_hides_an_index_before_it_drops_it() -> None:
    made = plan("mongodb", 'db.users.dropIndex("email_1")')
    assert kinds(made) == ["DDL", "APPLICATION", "INDEX"]
    assert '"hidden": true' in made.steps[0].statements[0]
    assert '"hidden": false' in made.steps[0].down[0]


def test_mongodb_warns_before_a_validator_refuses() -> None:
    made = plan(
        "mongodb", 'db.runCommand({collMod: "users", validator: {age: {$gte: 0}}, validationLevel: "strict"})'
    )
    assert kinds(made) == ["DDL", "APPLICATION", "DDL"]
    assert '"validationAction": "warn"' in made.steps[0].statements[0]
    assert made.steps[2].preconditions == made.steps[1].postconditions
    assert made.steps[2].verbatim


def test_mongodb_writes_go_in_batches() -> None:
    made = plan("mongodb", "db.users.updateMany({a: null}, {$set: {a: 1}}); db.users.deleteMany({})")
    first, second = (step.backfill for step in made.steps)
    assert first is not None and second is not None
    assert (first.key, first.assignments, first.where, first.verb) == (
        ("_id",),
        "{$set: {a: 1}}",
        "{a: null}",
        "update",
    )
    assert (second.where, second.verb, made.steps[1].destructive) == ("", "delete", True)


def test_what_mongodb_says_and_we_do_not_know_is_not_safe() -> None:
    made = plan("mongodb", "db.users.mapReduce(f, g)")
    assert not made.safe
    assert made.steps[0].verbatim


def test_elasticsearch_copies_at_a_pace_and_swaps_in_one_moment() -> None:
    made = plan("elasticsearch", 'PUT /orders_v1/_settings\n{"index": {"number_of_shards": 4}}')
    texts = [text for step in made.steps for text in step.statements]
    assert texts[0].startswith("PUT /orders_v2")
    assert "requests_per_second=" in texts[1] and "wait_for_completion=false" in texts[1]
    assert any('"remove"' in text and '"add"' in text for text in texts)
    assert texts[-1] == "DELETE /orders_v1"
    assert made.steps[-1].destructive and made.steps[-1].point_of_no_return
    assert [step.number for step in made.steps] == list(range(1, len(made.steps) + 1))


def test_elasticsearch_settings_that_may_change_do() -> None:
    made = plan("elasticsearch", 'PUT /orders/_settings\n{"index": {"number_of_replicas": 2}}')
    assert kinds(made) == ["DDL"] and made.steps[0].verbatim


def test_elasticsearch_undoes_alias_actions_in_the_opposite_order() -> None:
    made = plan(
        "elasticsearch",
        'POST /_aliases\n{"actions": [{"remove": {"index": "a", "alias": "x"}},'
        ' {"add": {"index": "b", "alias": "x"}}]}',
    )
    assert (
        made.steps[0]
        .down[0]
        .endswith(
            '{"actions": [{"remove": {"index": "b", "alias": "x"}}, {"add": {"index": "a", "alias": "x"}}]}'
        )
    )


@pytest.mark.parametrize("text", ["PUT /orders/_mapping\n{not json", "POST /_some/_thing"])
def test_elasticsearch_says_what_it_does_not_understand(text: str) -> None:
    made = plan("elasticsearch", text)
    assert not made.safe and not made.source[0].understood


def test_redis_walks_patterns_and_names_what_is_lost() -> None:
    made = plan(
        "redis",
        "# sessions\nEXPIRE session:* 3600\nUNLINK cache:*\nRENAME user:* account:{1}\nFLUSHDB\nSET a 1",
    )
    assert kinds(made) == ["BACKFILL", "BACKFILL", "APPLICATION", "BACKFILL", "APPLICATION", "DATA", "DATA"]
    fills = [step.backfill for step in made.steps if step.backfill]
    assert [(one.verb, str(one.table), one.assignments) for one in fills] == [
        ("expire", "session:*", "3600"),
        ("unlink", "cache:*", ""),
        ("rename", "user:*", "account:{1}"),
    ]
    assert [step.destructive for step in made.steps] == [False, True, False, False, False, True, False]
    assert made.source[0].line == 2


def test_an_engine_without_a_planner_says_so() -> None:
    with pytest.raises(UsageError, match="no plans are made for cassandra"):
        plan("cassandra", "x")


def test_the_same_plan_has_the_same_checksum() -> None:
    text = "db.users.createIndex({a: 1})"
    assert plan("mongodb", text).sha256 == plan("mongodb", text).sha256
    assert all(step.kind is not Kind.JOURNAL for step in plan("mongodb", text).steps)

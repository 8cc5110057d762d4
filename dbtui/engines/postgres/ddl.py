"""The statements that make a relation again, from what the catalog says of it (`queries/catalog_ddl.sql`).

Owners and privileges are not part of it. What a relation needs (types, functions, the tables it refers to)
has to be there before it, apart from the sequences that its columns own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dbtui.sql import quoting
from dbtui.sql.quoting import postgres_literal as literal

Part = Mapping[str, Any]

_STORAGE = {"p": "PLAIN", "e": "EXTERNAL", "m": "MAIN", "x": "EXTENDED"}
_COMPRESSION = {"p": "pglz", "l": "lz4"}
_ENABLED = {"D": "DISABLE", "R": "ENABLE REPLICA", "A": "ENABLE ALWAYS"}
_COMMANDS = {"r": "SELECT", "a": "INSERT", "w": "UPDATE", "d": "DELETE"}
_INTEGERS = {"smallint": 2**15, "integer": 2**31, "bigint": 2**63}

# Words that cannot stand bare as the name of a column or table (manual, appendix "SQL Key Words": reserved,
# and those that are only functions or types).
_RESERVED_WORDS = """
all analyse analyze and any array as asc asymmetric authorization between bigint binary bit boolean
both case cast char character check coalesce collate collation column concurrently constraint create
cross current_catalog current_date current_role current_schema current_time current_timestamp
current_user dec decimal default deferrable desc distinct do else end except exists extract false
fetch float for foreign freeze from full grant greatest group grouping having ilike in initially
inner inout int integer intersect interval into is isnull join json json_array json_arrayagg json_exists
json_object json_objectagg json_query json_scalar json_serialize json_table json_value lateral
leading least left like limit localtime localtimestamp merge_action national natural nchar none
normalize not notnull null nullif numeric offset on only or order out outer overlaps overlay placing
position precision primary real references returning right row select session_user setof similar
smallint some substring symmetric system_user table tablesample then time timestamp to trailing
treat trim true union unique user using values varchar variadic verbose when where window with
xmlattributes xmlconcat xmlelement xmlexists xmlforest xmlnamespaces xmlparse xmlpi xmlroot
xmlserialize xmltable
"""
_RESERVED = frozenset(_RESERVED_WORDS.split())


def identifier(name: str) -> str:
    """A name in double quotes where it needs them; all but the plainest do."""
    plain = name.isascii() and name.isidentifier() and name == name.lower() and name not in _RESERVED
    return name if plain else quoting.identifier(name)


def qualified(*names: str) -> str:
    return ".".join(identifier(name) for name in names)


def relation_ddl(made: Part) -> str:
    """All statements for one relation, each ended by a semicolon and a line break."""
    writers = {"v": _view, "m": _view, "S": _sequence}
    statements = writers.get(made["kind"], _table)(made)
    return "".join(f"{statement};\n" for statement in statements)


def column_ddl(made: Part, name: str) -> str:
    """The statement that adds one column to the relation; "" when it has none of that name."""
    for column in made["columns"] or ():
        if column["name"] == name:
            return f"ALTER TABLE {_name(made)} ADD COLUMN {_column(made, column)};\n"
    return ""


def constraint_ddl(made: Part, name: str) -> str:
    """The statement that adds one constraint to the relation; "" when it has none of that name."""
    for constraint in made["constraints"] or ():
        if constraint["name"] == name:
            return f"{_add_constraint(made, constraint)};\n"
    return ""


def _name(made: Part) -> str:
    return qualified(made["schema"], made["name"])


def _table(made: Part) -> Iterator[str]:
    columns: Sequence[Part] = made["columns"] or ()
    owned = [c for c in columns if c["sequence"] and not c["sequence"]["identity"]]
    for column in owned:
        yield _create_sequence(column["sequence"], unlogged=column["sequence"]["persistence"] == "u")
    yield _create_table(made, columns)
    for column in owned:
        sequence = qualified(column["sequence"]["schema"], column["sequence"]["name"])
        yield f"ALTER SEQUENCE {sequence} OWNED BY {_name(made)}.{identifier(column['name'])}"
    for column in columns:
        yield from _alter_column(made, column)
    yield from _constraints_and_indexes(made)
    if made["bound"]:
        parent = qualified(*made["parents"][0])
        yield f"ALTER TABLE ONLY {parent} ATTACH PARTITION {_name(made)} {made['bound']}"
    yield from _foreign_keys(made)
    yield from _around(made)
    yield from _comments(made)


def _create_table(made: Part, columns: Sequence[Part]) -> str:
    kind = (
        "FOREIGN TABLE"
        if made["kind"] == "f"
        else "UNLOGGED TABLE"
        if made["persistence"] == "u"
        else "TABLE"
    )
    lines = [f"    {line}" for line in (*_column_lines(made, columns), *_check_lines(made))]
    body = " (\n" + ",\n".join(lines) + "\n)" if lines else " ()"
    if made["of_type"]:
        body = f" OF {made['of_type']}" + (body if lines else "")
    text = f"CREATE {kind} {_name(made)}{body}"
    if made["parents"] and not made["bound"]:
        text += "\nINHERITS (" + ", ".join(qualified(*parent) for parent in made["parents"]) + ")"
    if made["partition_key"]:
        text += f"\nPARTITION BY {made['partition_key']}"
    if made["method"]:
        text += f"\nUSING {identifier(made['method'])}"
    if made["foreign"]:
        text += f"\nSERVER {identifier(made['foreign']['server'])}" + _foreign_options(
            made["foreign"]["options"]
        )
    text += _options(made, toast=True)
    if made["tablespace"]:
        text += f"\nTABLESPACE {identifier(made['tablespace'])}"
    return text


def _column_lines(made: Part, columns: Sequence[Part]) -> Iterator[str]:
    inherits = bool(made["parents"]) and not made["bound"]
    for column in columns:
        if inherits and not column["local"]:
            continue
        if made["of_type"]:
            extra = _column_extra(made, column)
            if extra:
                yield f"{identifier(column['name'])} WITH OPTIONS{extra}"
        else:
            yield _column(made, column)


def _column(made: Part, column: Part) -> str:
    text = f"{identifier(column['name'])} {column['type']}"
    text += _foreign_options(column["foreign_options"])
    if column["collation"]:
        text += f" COLLATE {qualified(*column['collation'])}"
    return text + _column_extra(made, column)


def _column_extra(made: Part, column: Part) -> str:
    text = ""
    if column["generated"]:
        text += f" GENERATED ALWAYS AS ({column['default']}) " + (
            "VIRTUAL" if column["generated"] == "v" else "STORED"
        )
    elif column["default"] is not None:
        text += f" DEFAULT {column['default']}"
    if column["identity"] and not made["bound"]:
        text += _identity(made, column)
    if column["not_null"] and not _inherited_not_null(made, column):
        text += _not_null(made, column)
    return text


def _not_null(made: Part, column: Part) -> str:
    """NOT NULL, with the name of its constraint where the server keeps one and it is not the usual one."""
    constraint = _not_null_constraint(made, column)
    if constraint is None:
        return " NOT NULL"
    if not constraint["validated"]:
        return ""
    usual = f"{made['name']}_{column['name']}_not_null"
    name = "" if constraint["name"] == usual else f" CONSTRAINT {identifier(constraint['name'])}"
    return f"{name} NOT NULL" + (" NO INHERIT" if constraint["no_inherit"] else "")


def _inherited_not_null(made: Part, column: Part) -> bool:
    constraint = _not_null_constraint(made, column)
    return constraint is not None and not constraint["local"] and not made["bound"]


def _not_null_constraint(made: Part, column: Part) -> Part | None:
    for constraint in made["constraints"] or ():
        if constraint["kind"] == "n" and constraint["column"] == column["name"]:
            return constraint  # type: ignore[no-any-return]
    return None


def _identity(made: Part, column: Part) -> str:
    text = " GENERATED " + ("ALWAYS" if column["identity"] == "a" else "BY DEFAULT") + " AS IDENTITY"
    sequence = column["sequence"]
    if not sequence:
        return text
    options = _sequence_options({**sequence, "type": column["type"]})
    if (sequence["schema"], sequence["name"]) != (made["schema"], f"{made['name']}_{column['name']}_seq"):
        options.insert(0, f"SEQUENCE NAME {qualified(sequence['schema'], sequence['name'])}")
    if sequence["persistence"] != made["persistence"]:
        options.append("LOGGED" if sequence["persistence"] == "p" else "UNLOGGED")
    return text + (" (" + " ".join(options) + ")" if options else "")


def _sequence(made: Part) -> Iterator[str]:
    yield _create_sequence({**made["sequence"], "schema": made["schema"], "name": made["name"]},
                           unlogged=made["persistence"] == "u")  # fmt: skip
    if made["sequence"]["owner"]:
        schema, table, column = made["sequence"]["owner"]
        yield f"ALTER SEQUENCE {_name(made)} OWNED BY {qualified(schema, table, column)}"
    yield from _comments(made)


def _create_sequence(sequence: Part, *, unlogged: bool) -> str:
    kind = "UNLOGGED SEQUENCE" if unlogged else "SEQUENCE"
    typed = "" if sequence["type"] == "bigint" else f" AS {sequence['type']}"
    options = "".join(f" {option}" for option in _sequence_options(sequence))
    return f"CREATE {kind} {qualified(sequence['schema'], sequence['name'])}{typed}{options}"


def _sequence_options(sequence: Part) -> list[str]:
    """What differs from the defaults that a sequence of its type and direction has."""
    edge = _INTEGERS.get(sequence["type"], 2**63)
    rising = sequence["increment"] > 0
    low, high = (1, edge - 1) if rising else (-edge, -1)
    options = []
    if sequence["increment"] != 1:
        options.append(f"INCREMENT BY {sequence['increment']}")
    if sequence["min"] != low:
        options.append(f"MINVALUE {sequence['min']}")
    if sequence["max"] != high:
        options.append(f"MAXVALUE {sequence['max']}")
    if sequence["start"] != (sequence["min"] if rising else sequence["max"]):
        options.append(f"START WITH {sequence['start']}")
    if sequence["cache"] != 1:
        options.append(f"CACHE {sequence['cache']}")
    if sequence["cycle"]:
        options.append("CYCLE")
    return options


def _check_lines(made: Part) -> Iterator[str]:
    """Checks are part of the table, so that a partition has them when it is attached."""
    for constraint in made["constraints"] or ():
        if constraint["kind"] == "c" and constraint["validated"] and (constraint["local"] or made["bound"]):
            yield f"CONSTRAINT {identifier(constraint['name'])} {constraint['definition']}"


def _alter_column(made: Part, column: Part) -> Iterator[str]:
    table = "FOREIGN TABLE" if made["kind"] == "f" else "TABLE"
    start = f"ALTER {table} ONLY {_name(made)} ALTER COLUMN {identifier(column['name'])} "
    inherited = bool(made["parents"]) and not made["bound"] and not column["local"]
    if inherited and column["default"] is not None and not column["generated"]:
        yield start + f"SET DEFAULT {column['default']}"
    if inherited and column["not_null"] and not _inherited_not_null(made, column):
        yield start + "SET NOT NULL"
    if column["storage"]:
        yield start + f"SET STORAGE {_STORAGE[column['storage']]}"
    if column["compression"]:
        yield start + f"SET COMPRESSION {_COMPRESSION.get(column['compression'], 'default')}"
    if column["statistics"] is not None:
        yield start + f"SET STATISTICS {column['statistics']}"
    if column["options"]:
        yield start + f"SET ({_pairs(column['options'])})"


def _constraints_and_indexes(made: Part) -> Iterator[str]:
    for constraint in made["constraints"] or ():
        late_check = constraint["kind"] in ("c", "n") and not constraint["validated"] and constraint["local"]
        if constraint["kind"] in ("p", "u", "x") or late_check:
            yield _add_constraint(made, constraint)
    for index in made["indexes"] or ():
        if not index["of_constraint"]:
            yield index["definition"]
        for number, target in index["statistics"] or ():
            name = qualified(made["schema"], index["name"])
            yield f"ALTER INDEX {name} ALTER COLUMN {number} SET STATISTICS {target}"
    for statistics in made["statistics"] or ():
        yield statistics["definition"]
        if statistics["target"] is not None:
            name = qualified(statistics["schema"], statistics["name"])
            yield f"ALTER STATISTICS {name} SET STATISTICS {statistics['target']}"


def _foreign_keys(made: Part) -> Iterator[str]:
    for constraint in made["constraints"] or ():
        if constraint["kind"] == "f" and not constraint["cloned"]:
            yield _add_constraint(made, constraint)


def _add_constraint(made: Part, constraint: Part) -> str:
    kind = "FOREIGN TABLE" if made["kind"] == "f" else "TABLE"
    only = "" if made["kind"] == "p" and constraint["kind"] == "f" else "ONLY "
    name = identifier(constraint["name"])
    return f"ALTER {kind} {only}{_name(made)} ADD CONSTRAINT {name} {constraint['definition']}"


def _around(made: Part) -> Iterator[str]:
    """Triggers, rules, row security, and which index stands for a row."""
    table = f"ALTER TABLE {_name(made)}"
    for kind in ("trigger", "rule"):
        for thing in made[f"{kind}s"] or ():
            yield thing["definition"].rstrip(";")
            if thing["enabled"] in _ENABLED:
                yield f"{table} {_ENABLED[thing['enabled']]} {kind.upper()} {identifier(thing['name'])}"
    if made["row_security"]:
        yield f"{table} ENABLE ROW LEVEL SECURITY"
    if made["force_row_security"]:
        yield f"{table} FORCE ROW LEVEL SECURITY"
    for policy in made["policies"] or ():
        yield _policy(made, policy)
    if made["kind"] in ("r", "p", "m"):
        for index in made["indexes"] or ():
            if index["clustered"]:
                yield f"{table} CLUSTER ON {identifier(index['name'])}"
            if index["replica_identity"]:
                name = identifier(index["name"])
                yield f"ALTER TABLE ONLY {_name(made)} REPLICA IDENTITY USING INDEX {name}"
        if made["kind"] != "m" and made["replica_identity"] in ("f", "n"):
            whole = "FULL" if made["replica_identity"] == "f" else "NOTHING"
            yield f"ALTER TABLE ONLY {_name(made)} REPLICA IDENTITY {whole}"


def _policy(made: Part, policy: Part) -> str:
    text = f"CREATE POLICY {identifier(policy['name'])} ON {_name(made)}"
    if not policy["permissive"]:
        text += " AS RESTRICTIVE"
    if policy["command"] in _COMMANDS:
        text += f" FOR {_COMMANDS[policy['command']]}"
    roles = [identifier(role) if role is not None else "PUBLIC" for role in policy["roles"] or ()]
    if roles and roles != ["PUBLIC"]:
        text += " TO " + ", ".join(roles)
    if policy["using"] is not None:
        text += f" USING ({policy['using']})"
    if policy["check"] is not None:
        text += f" WITH CHECK ({policy['check']})"
    return text


def _view(made: Part) -> Iterator[str]:
    kind = "MATERIALIZED VIEW" if made["kind"] == "m" else "VIEW"
    definition = made["definition"].rstrip().rstrip(";")
    text = f"CREATE {kind} {_name(made)}"
    if made["method"]:
        text += f" USING {identifier(made['method'])}"
    text += _options(made, toast=True)
    if made["tablespace"]:
        text += f"\nTABLESPACE {identifier(made['tablespace'])}"
    yield f"{text} AS\n{definition}" + ("\nWITH NO DATA" if not made["populated"] else "")
    for column in made["columns"] or ():
        if column["default"] is not None:
            name = identifier(column["name"])
            yield f"ALTER VIEW {_name(made)} ALTER COLUMN {name} SET DEFAULT {column['default']}"
        if made["kind"] == "m":
            yield from _alter_column(made, column)
    yield from _constraints_and_indexes(made)
    yield from _around(made)
    yield from _comments(made)


def _comments(made: Part) -> Iterator[str]:
    kinds = {"v": "VIEW", "m": "MATERIALIZED VIEW", "f": "FOREIGN TABLE", "S": "SEQUENCE"}
    table = _name(made)
    if made["comment"] is not None:
        yield f"COMMENT ON {kinds.get(made['kind'], 'TABLE')} {table} IS {literal(made['comment'])}"
    for column in (made["columns"] or ()) if made["kind"] != "S" else ():
        if column["comment"] is not None:
            yield f"COMMENT ON COLUMN {table}.{identifier(column['name'])} IS {literal(column['comment'])}"
    for kind in ("constraint", "trigger", "rule", "policy"):
        for thing in made["policies" if kind == "policy" else f"{kind}s"] or ():
            if thing["comment"] is not None:
                name = identifier(thing["name"])
                yield f"COMMENT ON {kind.upper()} {name} ON {table} IS {literal(thing['comment'])}"
    for kind, schema in (("index", made["schema"]), ("statistics", None)):
        for thing in made["indexes" if kind == "index" else "statistics"] or ():
            if thing["comment"] is not None:
                name = qualified(schema or thing["schema"], thing["name"])
                yield f"COMMENT ON {kind.upper()} {name} IS {literal(thing['comment'])}"


def _options(made: Part, *, toast: bool) -> str:
    options = list(made["options"] or ())
    if toast:
        options += [f"toast.{option}" for option in made["toast_options"] or ()]
    return f"\nWITH ({_pairs(options)})" if options else ""


def _pairs(options: Sequence[str]) -> str:
    pairs = (option.partition("=") for option in options)
    return ", ".join(f"{_option_name(name)} = {literal(value)}" for name, _, value in pairs)


def _option_name(name: str) -> str:
    space, dot, rest = name.partition(".")
    return f"{space}.{identifier(rest)}" if dot else identifier(name)


def _foreign_options(options: Sequence[str] | None) -> str:
    if not options:
        return ""
    pairs = (option.partition("=") for option in options)
    return " OPTIONS (" + ", ".join(f"{identifier(name)} {literal(value)}" for name, _, value in pairs) + ")"

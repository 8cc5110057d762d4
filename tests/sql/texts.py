"""Pieces of SQL text for property tests: valid ones, broken ones, and anything between."""

from __future__ import annotations

from hypothesis import strategies as st

PLAIN = st.sampled_from(
    [
        "select",
        "1",
        "x",
        "from t",
        "a$b",
        "$1",
        "$12",
        "(",
        ")",
        ",",
        "=",
        "::int",
        "é",
        "1.5e3",
        "\n",
        " ",
        "e",
    ]
)
QUOTED = st.one_of(
    st.text(alphabet="a;'\\\n$-/*\"é", max_size=8).map(lambda s: "'" + s.replace("'", "''") + "'"),
    st.text(alphabet="a;'\n$-/*", max_size=8).map(lambda s: "E'" + s.replace("'", "\\'") + "'"),
    st.text(alphabet="a;'\"\n-/*", max_size=8).map(lambda s: '"' + s.replace('"', '""') + '"'),
    st.text(alphabet="a;'\n-/*\"", max_size=8).map(lambda s: "$q$" + s + "$q$"),
    st.text(alphabet="a;'\n-\"", max_size=8).map(lambda s: "/* " + s + " /* ; */ */"),
    st.text(alphabet="a;'-/*\"", max_size=8).map(lambda s: "--" + s + "\n"),
    st.text(alphabet="a,;'\"", max_size=4).map(lambda s: "(" + s.replace("'", "").replace('"', "") + ")"),
)
WHOLE = st.lists(st.one_of(PLAIN.filter(lambda s: s not in "()"), QUOTED), min_size=1, max_size=8).map(
    " ".join
)
ANYTHING = st.one_of(
    st.text(max_size=60),
    st.text(alphabet="ae'\"$q;-/*\\\n ()1.é", max_size=60),
    st.lists(st.one_of(PLAIN, QUOTED, st.just(";")), max_size=12).map("".join),
)

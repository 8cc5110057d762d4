"""Rewrites: one module each, found by its name, that offers another text of a statement or says why it cannot.

A module is called after its id ("any_or_to_union.py"), tells in its docstring what it does, why, on which
conditions and what becomes of NULLs, and has a `SEVERITY` and `check(subject)`, which yields `Offer`s and
`Refused`s. An offer returns the rows of the original, duplicates counted, on every content of the tables that its
`proven` and `conditions` allow. Only the outermost SELECT of a statement is looked at.
"""

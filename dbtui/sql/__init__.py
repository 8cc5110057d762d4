"""SQL text by its lexical rules: the statement under a cursor, what it may do, its shape without literals."""

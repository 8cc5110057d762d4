"""A large table is asked for, or cleared, by time, and is one piece.

What it does
    Looks for tables of 10 GB and more (--least) with a column of time on which half of the statements' time has a
    condition, or by which rows are deleted. The period is the longest of which ten are kept: by the DELETE's own
    interval, else by how far the statistics say that the values reach.

Why it matters
    Deleting old rows leaves dead ones that vacuum has to read the whole table for; dropping a partition takes a moment.
    Statements read the partitions that their condition means, and their indexes stay small enough for memory.

Instead
    PARTITION BY RANGE. The advice has the statements that make the table the first partition of a new one of its name
    beside its readers and writers; `dbtui migrate plan` turns them into steps.

When it is fine
    Its statements would look into every partition; keys have to be unique over all of them; nothing ever goes.

See
    https://www.postgresql.org/docs/current/ddl-partitioning.html
"""

from dbtui.advice.partitions import advise as check
from dbtui.model.finding import Severity

SEVERITY = Severity.WARNING
__all__ = ["SEVERITY", "check"]

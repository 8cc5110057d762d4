"""An index that would help the statements of a workload is not there.

What it does
    Reads how each statement reaches its tables, makes candidates from that (equality, order, one range; covering,
    partial, on an expression, GIN, BRIN), tries each with a planner where there is one, and takes the set that saves
    most: an index from 30 % of a statement's cost on, or 0.2 % of the workload's. What writes pay is counted against
    it. A warning from 30 % on, else a piece of information.

Why it matters
    Rows that no index finds are read and thrown away, at each call.

Instead
    Create it beside the writers; the advice gives the statement, its size, its way back and what it replaces.

When it is fine
    The statement is rare, or the table is written far more than it is read.

See
    https://use-the-index-luke.com/sql/where-clause
    https://www.vldb.org/conf/1997/P146.PDF
"""

from dbtui.advice.search import advise as check
from dbtui.model.finding import Severity

SEVERITY = Severity.WARNING
__all__ = ["SEVERITY", "check"]

"""The shadow: an embedded PostgreSQL that plans like the user's server without holding one of its rows.

    async with Shadow() as shadow:
        clone = await shadow.clone(engine.source)         # schema, statistics and sizes of a database: about 1 s …
        clone = await shadow.clone(engine.source, ["public.orders"])   # … or of some relations
        plan = await clone.plan("select …", WhatIf(indexes=("CREATE INDEX ON orders (customer_id)",)))
        clone.missing                                     # what could not be restored, and why, by name
        await clone.drop()

        lab = await shadow.rehearsal(engine.source)       # the whole schema, empty, to try migrations in
        lab.target                                        # where to connect, as the owner of all of it
        await lab.drop()

The first clone or rehearsal starts the server: UsageError where the wheel is missing. `engine` is an open
`engines.postgres.engine.PostgresEngine`. A `Clone` is a `model.advice.Planner`. Statistics hold real values (most
common ones, histogram bounds): the server listens on a unix socket in a folder of mode 0700 alone, and a guardian
process ends it and removes the folder when this process ends, however it does.

What comes from the source's schema runs there as `OWNER`, who is no superuser: a function of a hostile server that
is folded into a plan can reach neither files nor programs of this machine.
"""

from dbtui.shadow.clone import Clone
from dbtui.shadow.rehearsal import Rehearsal
from dbtui.shadow.restore import Missing
from dbtui.shadow.server import OWNER, Shadow

__all__ = ["OWNER", "Clone", "Missing", "Rehearsal", "Shadow"]

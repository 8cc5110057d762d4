"""A backfill of a server without SQL: the session does the batches, and a file keeps how far they are.

Batch and checkpoint are no transaction: what is cut off between them is done once more. So only work that may be
repeated is done this way.
"""

from __future__ import annotations

import time
from dataclasses import replace

from dbtui.engines.base import FillsBatches
from dbtui.errors import InputError
from dbtui.migrations.backfill import Batch
from dbtui.migrations.journal import Journal
from dbtui.migrations.pace import Pace
from dbtui.model.change import Backfill
from dbtui.model.run import Checkpoint


class BatchFiller:
    """See `backfill.Filler`, which it stands in for. Raises InputError for work that may not be repeated."""

    repeatable = True

    def __init__(
        self, session: FillsBatches, journal: Journal, fill: Backfill, plan_id: str, step: int
    ) -> None:
        if not fill.repeatable:
            raise InputError(
                f"{fill.table} would be changed twice by a batch that is cut off and done again",
                "write a change that may be repeated, such as $set, or do this step by hand",
            )
        self._session = session
        self._journal = journal
        self._fill = fill
        self._at = (plan_id, step)
        self._estimate = 0.0
        self.pace = Pace(fill.batch)
        self.checkpoint = Checkpoint((), (), 0, fill.batch)

    async def begin(self) -> None:
        """Take up the checkpoint where the session can, or freeze the bound and write the first one."""
        found = await self._journal.checkpoint(*self._at) if self._session.resumes else None
        self._estimate = await self._session.estimate(self._fill)
        if found is None:
            await self.again()
            return
        self.checkpoint, self.pace.batch = found, found.batch

    async def again(self) -> None:
        """Begin anew at the first key, with a new bound; what was changed so far stays counted."""
        last = await self._session.last(self._fill)
        self.checkpoint = Checkpoint((last,) if last else (), (), self.checkpoint.rows, self.pace.batch)
        await self._journal.freeze(*self._at, self.checkpoint)

    async def batch(self) -> Batch:
        """Do the next range. Raises what the server says; then the checkpoint stands where it stood."""
        began, here = time.monotonic(), self.checkpoint
        if here.last_key == here.upper_bound:
            return Batch(0, 0.0, True)
        (last,), after = here.upper_bound, "".join(here.last_key)
        to, changed = await self._session.fill(self._fill, after, last, self.pace.batch)
        self.checkpoint = replace(here, last_key=(to,), rows=here.rows + changed, batch=self.pace.batch)
        await self._journal.moved(*self._at, self.checkpoint)
        return Batch(changed, time.monotonic() - began, to == last)

    @property
    def remaining(self) -> float | None:
        """About how many items are left, by those changed of all; None where nothing tells."""
        if self.checkpoint.last_key == self.checkpoint.upper_bound:
            return 0.0
        return max(0.0, self._estimate - self.checkpoint.rows) if self._estimate else None

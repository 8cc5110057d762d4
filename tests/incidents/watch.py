"""A server watched as the console watches it, until a rule names what is wrong."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from dbtui.config import resolve
from dbtui.engines import create
from dbtui.live.health import HealthWatch
from dbtui.live.session import ConsoleSession
from dbtui.model.finding import Finding
from dbtui.model.snapshot import Snapshot
from dbtui.rules.live import Changes

PATIENCE = 30.0  # seconds; long, since the machine may be busy
# No incident is waited for as long as an on-call person's patience is: one look is enough here.
SOON: Changes = {
    "any-blocked-sessions": {"seconds": 0.2},
    "any-idle-in-transaction": {"seconds": 0.5},
    "any-statement-slower": {"calls": 20, "mean_ms": 2.0},
    "mongo-collection-scan": {"seconds": 0.1},
    "lite-writer-holds": {"seconds": 0.5},
}


class Incident:
    """What the rules say of a server."""

    def __init__(self, session: ConsoleSession, watch: HealthWatch) -> None:
        self.session = session
        self.watch = watch

    async def named(self, rule: str) -> Finding:
        """Wait until a rule sees something; what it says."""
        try:
            async with asyncio.timeout(PATIENCE):
                while True:
                    for finding in self.watch.findings:
                        if finding.rule == rule:
                            return finding
                    self.session.refresh()  # what is asked seldom is asked now
                    await asyncio.sleep(0.1)
        except TimeoutError:
            snapshot = self.session.snapshot
            seen = [f"{f.rule}: {f.message}" for f in self.watch.findings]
            raise AssertionError(
                f"{rule} says nothing; {seen}; {snapshot.trouble}; {snapshot.activity}"
            ) from None


@asynccontextmanager
async def watched(url: str, changes: Changes = SOON) -> AsyncIterator[Incident]:
    """The server at a URL, sampled five times a second."""
    target = resolve(url)
    engine = create(target)
    watch = HealthWatch(engine.name, changes)

    def take(snapshot: Snapshot) -> None:
        watch.take(snapshot)

    session = ConsoleSession(engine, target, interval=0.2, on_snapshot=take)
    session.start()
    try:
        yield Incident(session, watch)
    finally:
        await session.stop()

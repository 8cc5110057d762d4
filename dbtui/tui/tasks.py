"""What the main screen does when it is asked to. Each task asks where asking is due, talks to the server through
the session or the engine, and draws the answer; every error ends on the screen.

Imported on the first use: nothing of it is needed to paint.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from dbtui import policy, text
from dbtui.commands.plan_history import remember
from dbtui.commands.server_plans import explain_on, running_plan
from dbtui.errors import DbtuiError, Forbidden, NotApproved
from dbtui.model.catalog import Kind, Name, Node
from dbtui.model.server import Environment
from dbtui.rules.plan import findings
from dbtui.tui.analyzing import may_analyze
from dbtui.tui.browser import WITHOUT_DETAIL
from dbtui.tui.messages import Edit, Explain, RunStatement, SampleRows, ShowNode, StopStatement
from dbtui.tui.runner import StatementRunner
from dbtui.tui.screens.confirm import LiftQuestion, Question
from dbtui.tui.screens.find import FindScreen
from dbtui.tui.views.base import trouble
from dbtui.tui.views.plan import PlanView
from dbtui.tui.views.query import QueryView
from dbtui.tui.views.schema import SchemaView

if TYPE_CHECKING:
    from dbtui.tui.screens.main import MainScreen


async def find(console: MainScreen) -> None:
    """Let the user find a relation by a few letters, and go there."""
    server = console.snapshot.server if console.snapshot else None
    if server is None:
        console.say("not connected yet", "warning")
        return
    try:
        names = await console.browser.names(server.database)
    except DbtuiError as error:
        console.say(str(error), "error")
        return
    name: Name | None = await console.app.push_screen_wait(FindScreen(names))
    if name is not None:
        await console.open_pane("schema")
        console.tree_widget.reveal((console.target.name, *name.path))


async def detail(console: MainScreen, node: Node, *, still: float = 0.0) -> None:
    """Show a node's detail once the cursor has stood still for a moment (seconds)."""
    await asyncio.sleep(still)
    view = console.view("schema")
    assert isinstance(view, SchemaView)
    server = console.snapshot.server if console.snapshot else None
    if node.path[0] == console.target.name and node.kind is Kind.SERVER and server is not None:
        view.show_server(node, server)
        return
    if node.path[0] != console.target.name or node.kind in WITHOUT_DETAIL:
        view.show_closed(node)
        return
    view.show_loading(node)
    try:
        if (found := await console.browser.detail(node)) is not None:
            view.show_detail(found)
    except DbtuiError as error:
        view.show_trouble(trouble(error))


async def sample_rows(console: MainScreen, wish: SampleRows) -> None:
    """Show some rows of a relation."""
    view = console.view("schema")
    assert isinstance(view, SchemaView)
    try:
        if (page := await console.browser.sample(wish.node)) is not None:
            await view.show_rows(page)
    except DbtuiError as error:
        view.show_trouble(trouble(error))


async def explain(console: MainScreen, wish: Explain) -> None:
    """Show a statement's plan, and keep what rules find in it; `analyze` runs it, after a question.

    Of a `session` that runs it now, the plan that is being run is shown where the server tells that.
    """
    sql, database, analyze = wish.sql, wish.database, wish.analyze
    lacks = console.engine.lacks
    if console.engine.explain is None:
        console.say(lacks.get("explain", "this engine has no plans"), "warning")
        return
    if analyze and "analyze" in lacks:
        console.say(lacks["analyze"], "warning")
        return
    approval = None
    if analyze:
        try:
            approval = await may_analyze(console, sql, database)
        except NotApproved as error:
            console.say(str(error), "warning")
            return
    view = await console.open_pane("plan")
    assert isinstance(view, PlanView)
    view.show_waiting(sql, database, analyze=analyze)
    result = "rolled back"
    try:
        plan = await running_plan(console.engine, wish.session) if wish.session is not None else None
        if plan is None:
            plan = await explain_on(
                console.engine, sql, database=database, analyze=analyze, approval=approval
            )
        console.found = (findings(plan), sql)
        change = await asyncio.to_thread(remember, plan, console.target.name, database)
        view.show_plan(plan, console.found[0], change)
    except DbtuiError as error:
        view.show_error(trouble(error))
        result = f"failed: {error}"
    if approval is not None:
        console.session.record("explain analyze", sql, approval.reason, result)


async def show_node(console: MainScreen, wish: ShowNode) -> None:
    """Show the node of the plan that a finding is about."""
    view = await console.open_pane("plan")
    assert isinstance(view, PlanView)
    view.plan_tree.move_to_node(wish.node)


async def edit(console: MainScreen, wish: Edit) -> None:
    """Put a statement into the editor."""
    view = await console.open_pane("query")
    assert isinstance(view, QueryView)
    view.load(wish.sql, wish.database)


async def run_statement(console: MainScreen, wish: RunStatement) -> None:
    """Run the editor's statement: read-only, or as a write where that is lifted or the connection writable."""
    view = console.view("query")
    assert isinstance(view, QueryView)
    runner = StatementRunner(console.engine, console.session)
    reason: str | None = ""
    if not runner.only_reads(wish.sql) and console.session.lift is None and runner.may_write:
        reason = await _may_write(console, wish.sql)
    if reason is not None:
        await runner.run(view, wish.sql, wish.database, reason)


async def stop_statement(console: MainScreen, _wish: StopStatement) -> None:
    """Stop what runs now."""
    await StatementRunner(console.engine, console.session).stop()


async def _may_write(console: MainScreen, sql: str) -> str | None:
    """The reason of a write on a connection that was saved as writable; production asks for its name."""
    if console.target.environment is not Environment.PRODUCTION:
        return ""
    where = f"It is run on {console.target.name} (production), in a transaction of its own."
    question = Question("Write?", f"{where}\n\n{text.one_line(sql, 600)}", console.target.name)
    answer: str | None = await console.app.push_screen_wait(question)
    return answer


async def lift(console: MainScreen) -> None:
    """Lift read-only after a question, or end a lift that holds."""
    if console.session.lift is not None:
        console.session.drop_lift()
        console.say("read-only again", "information")
        console.show_top_bar()
        return
    try:
        policy.current().refuse_writes()  # before anybody has typed a reason
        question = LiftQuestion(console.target.name, console.target.environment)
        if (choice := await console.app.push_screen_wait(question)) is None:
            return
        console.session.lift_read_only(choice.reason, once=choice.once)
    except Forbidden as error:
        console.say(str(error), "warning")
    console.show_top_bar()

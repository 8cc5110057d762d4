"""Tells others of an alert: a program that is run, or a JSON document that is posted. Neither is waited for long."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import os
import signal
import subprocess
import time
from pathlib import Path
from urllib.parse import urlsplit

from dbtui import policy
from dbtui.errors import ConfigError, DbtuiError
from dbtui.live.alerts import Alert
from dbtui.secrets import Secret, refuse_if_others_write

TIMEOUT = 15.0  # seconds


async def notify(alert: Alert, server: str, file: Path) -> list[str]:
    """Tell of an alert in the ways its rule names; what went wrong, one line each, without the address posted to.

    `file` is where the rules were read: a command is not run when others may write it.
    """
    troubles = []
    for way, tell in (("command", _run), ("webhook", _post)):
        if way in alert.rule.notify:
            try:
                await tell(alert, server, file)
            except DbtuiError as error:
                troubles.append(f"alert {alert.rule.name}: {error}")
    return troubles


def facts(alert: Alert, server: str) -> dict[str, str]:
    """What a program or a channel is told; text only."""
    return {
        "alert": alert.rule.name,
        "state": "firing" if alert.firing else "over",
        "severity": alert.rule.severity.value,
        "server": server,
        "metric": alert.rule.metric,
        "value": f"{alert.value:.6g}",
        "limit": alert.rule.limit,
        "at": time.strftime("%Y-%m-%dT%H:%M:%S%z", time.localtime(alert.at)),
    }


async def _run(alert: Alert, server: str, file: Path) -> None:
    policy.current().refuse(policy.Feature.ALERT_COMMAND)
    refuse_if_others_write(file)
    command = alert.rule.command
    argv = ["/bin/sh", "-c", command] if isinstance(command, str) else list(command)
    told = {f"DBTUI_{name.upper()}": value for name, value in facts(alert, server).items()}
    try:
        process = await asyncio.create_subprocess_exec(
            *argv,
            env=os.environ | told,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as error:
        raise ConfigError("its command cannot be run", error.strerror or "") from None
    try:
        async with asyncio.timeout(TIMEOUT):
            code = await process.wait()
    except TimeoutError:
        raise ConfigError(f"its command took longer than {TIMEOUT:.0f} s", "it was ended") from None
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    if code:
        raise ConfigError(f"its command ended with code {code}", "run it by hand to see why")


async def _post(alert: Alert, server: str, _file: Path) -> None:
    policy.current().refuse(policy.Feature.ALERT_WEBHOOK)
    assert alert.rule.webhook is not None
    told = facts(alert, server)
    body = json.dumps({"text": f"{server}: {alert.text}", **told}).encode()
    status = await asyncio.to_thread(_posted, alert.rule.webhook, body)
    if status >= 300:
        raise ConfigError(f"its webhook answered {status}", "check that the address is still right")


def _posted(address: Secret, body: bytes) -> int:
    """The status of one POST. Redirects are not followed: the address was chosen, what it points to was not."""
    url = urlsplit(address.reveal())
    kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
    try:
        connection = kind(url.hostname or "", url.port, timeout=TIMEOUT)
        try:
            path = (url.path or "/") + (f"?{url.query}" if url.query else "")
            connection.request("POST", path, body, {"Content-Type": "application/json"})
            return connection.getresponse().status
        finally:
            connection.close()
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise ConfigError("its webhook cannot be reached", type(error).__name__) from None

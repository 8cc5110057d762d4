"""However the console ends, nothing of its demo stays."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.demo.conftest import alive, eventually
from tests.servers.process import descendants

CONSOLE = """
import argparse, json, sys, time
from dbtui.commands import demo
from dbtui.demo import Demo

def console(target):
    folder = target.url.split("host=")[1]
    processes = dict(line.split() for line in open(folder + "/processes"))
    print(json.dumps({"folder": folder, "pids": [int(pid) for pid in processes.values()]}), flush=True)
    time.sleep(600)
    return 0

parser = argparse.ArgumentParser()
demo.add_arguments(parser)
sys.exit(demo.run(parser.parse_args(sys.argv[1:]), console))
"""


def open_console(*arguments: str) -> subprocess.Popen[str]:
    """A console of its own session, as in a terminal."""
    return subprocess.Popen(
        [sys.executable, "-c", CONSOLE, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def end(console: subprocess.Popen[str], number: signal.Signals) -> str:
    """What the console says when its whole foreground group gets a signal, as from a terminal."""
    os.killpg(console.pid, number)
    try:
        return console.communicate(timeout=90)[1]
    finally:
        console.kill()


def ready(console: subprocess.Popen[str]) -> tuple[Path, list[int]]:
    """The folder and the pids of its demo."""
    assert console.stdout is not None
    said = json.loads(console.stdout.readline())
    return Path(said["folder"]), said["pids"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_signal_to_the_console_ends_everything(number: signal.Signals) -> None:
    console = open_console("--scale", "0.02")
    folder, pids = ready(console)
    running = [pid for pid in pids if alive(pid)]
    end(console, number)
    assert len(running) == len(pids) == 5
    assert console.returncode != 0
    assert eventually(lambda: not any(alive(pid) for pid in pids), 10)
    assert eventually(lambda: not folder.exists(), 10)


def test_ctrl_c_while_it_starts(temporary: Path) -> None:
    console = open_console("--scale", "0.3", "--fresh")
    assert eventually(lambda: list(temporary.glob("dbtui-demo-*/data/postmaster.pid")))
    pids = descendants(console.pid)
    end(console, signal.SIGINT)
    assert pids
    assert eventually(lambda: not any(alive(pid) for pid in pids), 10)
    assert not list(temporary.iterdir())


def test_keep_says_where_and_how_to_come_back(temporary: Path) -> None:
    console = open_console("--scale", "0.02", "--keep", "--no-workload")
    folder, pids = ready(console)
    assert folder.parent == temporary
    said = end(console, signal.SIGINT)
    assert f"dbtui demo --folder {folder}" in said
    assert not any(alive(pid) for pid in pids)
    assert (folder / "data" / "PG_VERSION").read_text() == "18\n"
    assert not (folder / "data" / "postmaster.pid").exists()

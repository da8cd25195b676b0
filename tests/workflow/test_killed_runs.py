"""Runs that are killed, and started again."""

from __future__ import annotations

import os
import random
import signal
import subprocess

from tests.workflow.workflow_runs import TINY

LABEL = "austfonna-simulated-tiny"


def test_killed_at_five_moments_and_started_again_gives_the_same_bytes(finished, flow):
    """
    SIGKILL to the group of processes, five times; each start goes on from there, with no other command in between.

    That the bytes are those of the uninterrupted run, in another folder, also shows that two runs give the same.
    """
    moments = random.Random(20181014)
    for _ in range(5):
        done = flow.run_and_kill("austfonna", after=moments.randint(1, 6), delay=moments.uniform(0, 1.5), **TINY)
        assert done.code == -9, done.text
        assert "cannot be locked" not in done.text and "Error" not in done.text, done.text
    done = flow.run("austfonna", **TINY)
    assert done.code == 0, done.text
    assert 0 < sum(done.jobs.values()) < sum(finished.said.jobs.values()), "a killed run keeps what it finished"
    assert flow.unfinished() == []
    assert flow.digests(LABEL) == finished.digests(LABEL)


def test_two_runs_at_once_do_not_meet(copy_of_finished):
    """While one run lives, another that would write the same files is refused; when it has ended, it is not."""
    flow = copy_of_finished
    target = f"results/{LABEL}/atl14/surface.nc"
    with subprocess.Popen(
        flow.command(target, "--force", **TINY), cwd=flow.folder, env=flow.environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
    ) as first:  # fmt: skip
        next(line for line in first.stdout if "reading the ATL14 surface" in line)
        os.killpg(first.pid, signal.SIGSTOP)
        try:
            second = flow.run(target, "--force", **TINY)
        finally:
            os.killpg(first.pid, signal.SIGCONT)
        rest = first.stdout.read()
    assert first.returncode == 0, rest
    assert second.code != 0 and "cannot be locked" in second.text, second.text
    assert "Nothing to be done" in flow.run(target, **TINY).text

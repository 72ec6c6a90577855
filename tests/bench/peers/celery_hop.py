"""Celery's shortest hop, run in .venv-bench: one call queued, one worker posts it; no database, nothing saved."""

from __future__ import annotations

import os
import sys

import requests
from celery import Celery

app = Celery("hop", broker=os.environ["PEER_REDIS"])
app.conf.update(
    task_ignore_result=True,
    worker_prefetch_multiplier=1,
    task_default_queue="hop",
    broker_connection_retry_on_startup=True,
)
_session: list[requests.Session] = []  # one for each process


@app.task(name="hop")
def hop(chat: str) -> None:
    """Post one."""
    if not _session:
        _session.append(requests.Session())
    body = {"chat_id": chat, "text": os.environ["PEER_TEXT"], "disable_web_page_preview": True}
    _session[0].post(os.environ["PEER_URL"], json=body, timeout=20).raise_for_status()


if __name__ == "__main__":
    for line in sys.stdin:
        hop.delay(line.strip())
        print("queued", flush=True)

"""Celery's side of the benches, run in .venv-bench: one `job` reads the subscribers and queues a `save` for each."""

from __future__ import annotations

import os
import sys
from typing import Any

import psycopg
import requests
from celery import Celery

QUEUE, URL, TEXT = os.environ["PEER_QUEUE"], os.environ["PEER_URL"], os.environ["PEER_TEXT"]
READ = "SELECT id, chat FROM subscriber ORDER BY id LIMIT %s"
SAVE = "INSERT INTO sent (run, subscriber, state, ref) VALUES (%s, %s, 'created', '') RETURNING id"
FIND = "SELECT s.subscriber, u.chat FROM sent s JOIN subscriber u ON u.id = s.subscriber WHERE s.id = %s"
SENT = "UPDATE sent SET state = 'sent', ref = %s WHERE id = %s"

app = Celery("peer", broker=os.environ["PEER_REDIS"])
app.conf.update(
    task_acks_late=True,
    task_ignore_result=True,
    worker_prefetch_multiplier=16,
    task_default_queue=QUEUE,
    broker_connection_retry_on_startup=True,
)
_own: dict[str, Any] = {}  # one connection and one session for each process


def connection() -> psycopg.Connection[Any]:
    """Give the process's own connection, every statement a transaction."""
    if "connection" not in _own:
        _own["connection"] = psycopg.connect(os.environ["PEER_DSN"], autocommit=True)
    kept: psycopg.Connection[Any] = _own["connection"]
    return kept


def session() -> requests.Session:
    """Give the process's own session."""
    if "session" not in _own:
        _own["session"] = requests.Session()
    kept: requests.Session = _own["session"]
    return kept


@app.task(name="job")
def job(run: int, count: int) -> None:
    """Read the audience and queue each."""
    for subscriber, _ in connection().execute(READ, (count,)).fetchall():
        save.delay(run, subscriber)


@app.task(name="save")
def save(run: int, subscriber: int) -> None:
    """Commit the row, then queue its delivery."""
    row = connection().execute(SAVE, (run, subscriber)).fetchone()
    assert row is not None
    deliver.delay(row[0])


@app.task(name="deliver")
def deliver(row: int) -> None:
    """Read the row, post, and commit how it went."""
    found = connection().execute(FIND, (row,)).fetchone()
    assert found is not None
    body = {"chat_id": found[1], "text": TEXT, "disable_web_page_preview": True}
    told = session().post(URL, json=body, timeout=20).json()
    connection().execute(SENT, (str(told["result"]["message_id"]), row))


if __name__ == "__main__":
    for line in sys.stdin:
        asked_run, asked_count = map(int, line.split())
        job.delay(asked_run, asked_count)
        print("queued", flush=True)

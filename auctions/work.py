"""Hands the slow work on pictures to its own workers.

The queue may lose what it holds, so a caller never fails: the sweep of `auctions.tasks` finds what was not done.
"""

from typing import Any

import structlog
from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

logger = structlog.get_logger(__name__)


def work_later(task: str, *arguments: Any) -> None:
    """Ask for a task of `auctions.tasks` after the commit."""

    def send() -> None:
        try:
            current_app.send_task(f"auctions.tasks.{task}", arguments, retry=False)
        except OperationalError:
            logger.warning("work_not_queued", task=task, arguments=arguments)

    transaction.on_commit(send)

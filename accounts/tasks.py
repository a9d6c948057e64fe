"""What Celery runs for accounts."""

from celery import shared_task

from accounts.traces import traces_forget


@shared_task
def forget() -> None:
    """Forget where accounts were used long ago."""
    traces_forget()

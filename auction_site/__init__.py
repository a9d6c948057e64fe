"""The wiring of the site: settings, URLs, ASGI, Celery, logging. No business rule lives here."""

from auction_site.celery import app as celery_app

__all__ = ["celery_app"]

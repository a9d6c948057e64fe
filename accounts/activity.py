"""Notes when a session was last used, for the list of one's sessions; once a minute, not on every page."""

from typing import Final

import structlog
from allauth.usersessions.middleware import UserSessionsMiddleware
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from redis.exceptions import RedisError

logger = structlog.get_logger(__name__)

NOTED_EVERY_S: Final = 60


class LastSeenMiddleware(UserSessionsMiddleware):
    """allauth's own tracking writes to the database for each request; this lets it do so once a minute a session."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Note the session where that is due, and pass the request on."""
        response: HttpResponse = super().__call__(request) if _is_due(request) else self.get_response(request)
        return response


def _is_due(request: HttpRequest) -> bool:
    if not request.session.session_key:
        return False
    try:
        return cache.add(f"session-noted:{request.session.session_key}", 1, timeout=NOTED_EVERY_S)
    except RedisError as error:
        logger.warning("session_not_noted", error=str(error))
        return False

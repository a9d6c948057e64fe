"""Errors of the API: problem+json with stable codes, whatever went wrong and wherever.

Owns the one exception handler and the mapping from refusals to statuses. What may not be known to somebody is
not found.
"""

from collections.abc import Mapping
from typing import Any, Final

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse, JsonResponse
from rest_framework import exceptions, serializers, status
from rest_framework.response import Response
from rest_framework.views import exception_handler, set_rollback

from auctions.errors import Refused

CONTENT_TYPE: Final = "application/problem+json"

_STATUS_OF_REFUSAL: Final = {
    "forbidden": status.HTTP_404_NOT_FOUND,
    "not_found": status.HTTP_404_NOT_FOUND,
    "own_lot": status.HTTP_403_FORBIDDEN,
    "rate_limited": status.HTTP_429_TOO_MANY_REQUESTS,
    "unavailable": status.HTTP_503_SERVICE_UNAVAILABLE,
    "floor_missing": status.HTTP_503_SERVICE_UNAVAILABLE,
}
_TITLES: Final = {
    400: "The request is wrong",
    401: "Sign in first",
    403: "Not allowed",
    404: "Not found",
    405: "This method does not exist here",
    406: "This format is not offered",
    409: "Not possible in this state",
    413: "Too much at once",
    415: "This format is not understood",
    429: "Too many requests",
    503: "Not available at the moment",
}
_CODES: Final = {
    "not_authenticated": "sign_in",
    "authentication_failed": "sign_in",
    "permission_denied": "forbidden",
    "throttled": "rate_limited",
    "parse_error": "bad_json",
}


class FieldProblemSerializer(serializers.Serializer[Any]):
    """What is wrong with one field."""

    field = serializers.CharField()
    code = serializers.CharField()
    detail = serializers.CharField()


class ProblemSerializer(serializers.Serializer[Any]):
    """An error, as RFC 9457 writes it, with a stable `code`."""

    type = serializers.CharField(default="about:blank")
    title = serializers.CharField()
    status = serializers.IntegerField()
    code = serializers.CharField()
    detail = serializers.CharField()

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """Add `errors` here: as a class attribute it would hide the serializer's own property."""
        return {**super().get_fields(), "errors": FieldProblemSerializer(many=True, required=False)}


def problem(
    status_code: int, code: str, detail: str, errors: list[dict[str, str]] | None = None, headers: Any = None
) -> Response:
    """Return an error as a view of the API answers it."""
    body = _body(status_code, code, detail)
    if errors:
        body["errors"] = errors
    return Response(body, status=status_code, headers=headers, content_type=CONTENT_TYPE)


def problem_response(status_code: int, code: str, detail: str) -> HttpResponse:
    """Return an error of the API where no view of it was reached."""
    return JsonResponse(_body(status_code, code, detail), status=status_code, content_type=CONTENT_TYPE)


def handle(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """Answer an exception of a view; None leaves it to be a 500."""
    if isinstance(error, Refused):
        set_rollback()
        return _refused(error)
    if isinstance(error, Http404):
        error = exceptions.NotFound()
    elif isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    if not isinstance(error, exceptions.APIException):
        return None
    answered = exception_handler(error, dict(context))
    headers = dict(answered.headers) if answered is not None else {}
    headers.pop("Content-Type", None)
    if isinstance(error, exceptions.ValidationError):
        errors = _field_errors(error.get_full_details())
        detail = errors[0]["detail"] if errors else "The request is wrong."
        return problem(error.status_code, "invalid", detail, errors, headers)
    codes = error.get_codes()
    code = codes if isinstance(codes, str) else "invalid"
    return problem(error.status_code, _CODES.get(code, code), str(error.detail), headers=headers)


def _body(status_code: int, code: str, detail: str) -> dict[str, Any]:
    return {
        "type": "about:blank",
        "title": _TITLES.get(status_code, "Error"),
        "status": status_code,
        "code": code,
        "detail": detail,
    }


def _refused(error: Refused) -> Response:
    fallback = status.HTTP_400_BAD_REQUEST if error.field else status.HTTP_409_CONFLICT
    status_code = _STATUS_OF_REFUSAL.get(error.code, fallback)
    if status_code == status.HTTP_404_NOT_FOUND:
        # The same words whether it does not exist or is none of their business.
        return problem(status_code, "not_found", str(exceptions.NotFound.default_detail))
    errors = [{"field": error.field, "code": error.code, "detail": str(error.message)}] if error.field else None
    return problem(status_code, error.code, str(error.message), errors)


def _field_errors(details: Any, path: str = "") -> list[dict[str, str]]:
    if isinstance(details, dict) and set(details) == {"message", "code"}:
        return [{"field": path, "code": str(details["code"]), "detail": str(details["message"])}]
    if isinstance(details, dict):
        pairs = list(details.items())
    elif details and isinstance(details[0], dict) and set(details[0]) == {"message", "code"}:
        return [found for item in details for found in _field_errors(item, path)]
    else:
        pairs = list(enumerate(details))
    found = []
    for key, value in pairs:
        inner = "" if key == "non_field_errors" else str(key)
        found += _field_errors(value, ".".join(part for part in (path, inner) if part))
    return found

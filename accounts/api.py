"""The part of the API about one's own sign-in."""

from importlib import import_module

from django.conf import settings
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import permissions, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import BearerAuthentication, request_sign_in
from accounts.cognito.services import token_revoke


class OwnToken(APIView):
    """The access token that a request carries."""

    authentication_classes = (BearerAuthentication,)
    permission_classes = (permissions.IsAuthenticated,)

    @extend_schema(
        operation_id="token_revoke",
        tags=["sign-in"],
        responses={204: None, 401: OpenApiResponse(description="`token_invalid`, `token_expired` or `sign_in`.")},
    )
    def delete(self, request: Request) -> Response:
        """Sign out: the token that this request carries ends now, and sockets that it opened within 5 seconds.

        A token of this site ends with its whole sign-in, refresh token included. One of a user pool ends alone: its
        refresh token is revoked at the pool.
        """
        sign_in = request_sign_in(request)
        if sign_in.session_key is not None:
            import_module(settings.SESSION_ENGINE).SessionStore(sign_in.session_key).delete()
        elif sign_in.token_id is not None and sign_in.expires_at is not None:
            token_revoke(token_id=sign_in.token_id, expires_at=sign_in.expires_at)
        return Response(status=status.HTTP_204_NO_CONTENT)

"""The site's pages and REST interface over HTTP, with the session that a browser would have.

Owns cookies, the CSRF token and the translation of refusals into exceptions. Blocks; `AsyncClient` calls it in
threads. Knows nothing of sockets.
"""

import gzip
import http.client
import http.cookiejar
import ipaddress
import json
import re
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from email.message import Message as Headers
from typing import Any, Final

from paddle_client.errors import (
    NotAllowed,
    NotFound,
    RateLimited,
    SignInFailed,
    SiteError,
    SiteUnreachable,
    UnexpectedAnswer,
)

TIMEOUT_S: Final = 30.0
_CSRF_COOKIE: Final = "csrftoken"
_SESSION_COOKIE: Final = "sessionid"
Token = str | Callable[[], str]
"""An access token, or a function that returns one that holds now.

The function is called in any thread, and often. Where it raises OSError or SiteUnreachable, a room tries again later.
"""
_CSRF_FIELD: Final = re.compile(r"""name=["']csrfmiddlewaretoken["'] value=["']([^"']+)["']""")


@dataclass(frozen=True)
class Answer:
    """What the site answered; redirects were not followed unless asked for."""

    status: int
    headers: Headers
    body: bytes
    url: str

    @property
    def text(self) -> str:
        """Return the body as text."""
        return self.body.decode(errors="replace")

    def json(self) -> Any:
        """Return the body's JSON; raises UnexpectedAnswer where it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            raise UnexpectedAnswer(f"{self.url} did not answer with JSON.", status=self.status) from None


class _StayHere(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: where it leads is the answer."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        """Follow nothing."""
        return


class Session:
    """One visitor of one site."""

    def __init__(self, url: str, *, timeout: float = TIMEOUT_S, token: Token | None = None) -> None:
        """Begin at the site's address, like `https://auctions.example`; nothing is sent yet.

        With an access token the REST interface and the rooms know who this is; the site's pages do not take one.
        """
        parts = urllib.parse.urlsplit(url if "://" in url else f"http://{url}")
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{url!r} is not an address like https://auctions.example")
        self.origin = f"{parts.scheme}://{parts.netloc}"
        self._host = parts.hostname
        self._timeout = timeout
        self._token = token
        self._cookies = http.cookiejar.CookieJar()
        handlers: list[urllib.request.BaseHandler] = [urllib.request.HTTPCookieProcessor(self._cookies)]
        if self.is_local:
            handlers.append(urllib.request.ProxyHandler({}))
        self._following = urllib.request.build_opener(*handlers)
        self._staying = urllib.request.build_opener(*handlers, _StayHere())
        # The jar is safe, but a token that another thread's answer replaces between two lines is not.
        self._lock = threading.Lock()

    @property
    def is_local(self) -> bool:
        """Tell whether the site is on this machine, where no proxy is asked."""
        try:
            return ipaddress.ip_address(self._host).is_loopback
        except ValueError:
            return self._host == "localhost" or self._host.endswith(".localhost")

    @property
    def socket_origin(self) -> str:
        """Return the site's address for sockets, like `wss://auctions.example`."""
        return "ws" + self.origin.removeprefix("http")

    @property
    def is_signed_in(self) -> bool:
        """Tell whether there is a session or a token, as far as this side knows."""
        return self._token is not None or self._cookie(_SESSION_COOKIE) is not None

    @property
    def renews_itself(self) -> bool:
        """Tell whether a sign-in that is over may be followed by a new one: the token comes from a function."""
        return callable(self._token)

    def socket_headers(self) -> dict[str, str]:
        """Return what a socket's handshake sends to say who this is."""
        cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in self._cookies)
        return ({"Cookie": cookies} if cookies else {}) | self._authorization()

    def set_cookie(self, name: str, value: str) -> None:
        """Take over a cookie, for example a session that was made elsewhere."""
        parts = urllib.parse.urlsplit(self.origin)
        domain = self._host if "." in self._host else f"{self._host}.local"
        self._cookies.set_cookie(
            http.cookiejar.Cookie(
                0, name, value, None, False, domain, False, False, "/", True, parts.scheme == "https", None, True,
                None, None, {},
            )
        )  # fmt: skip

    # --- accounts ------------------------------------------------------------------------------------

    def sign_in(self, email: str, password: str) -> None:
        """Sign in by the site's own form.

        Raises:
            SignInFailed: the site did not accept them.
        """
        answer = self.post_form("/accounts/login/", {"login": email, "password": password})
        if answer.status not in (301, 302, 303) or not self.is_signed_in:
            raise SignInFailed(f"{email} could not sign in.", status=answer.status)

    def sign_up(self, email: str, password: str) -> None:
        """Make an account by the site's own form; where the site asks for it, the address must then be verified.

        Raises:
            SignInFailed: the site did not accept them.
        """
        answer = self.post_form("/accounts/signup/", {"email": email, "password1": password})
        if answer.status not in (301, 302, 303):
            raise SignInFailed(f"No account could be made for {email}.", status=answer.status)

    def sign_out(self) -> None:
        """Sign out and forget the session."""
        self.post_form("/accounts/logout/", {})
        self._cookies.clear()

    # --- requests ------------------------------------------------------------------------------------

    def get(self, path: str, query: Mapping[str, str] | None = None) -> Answer:
        """Read a page, following redirects."""
        url = self._url(path) + (f"?{urllib.parse.urlencode(query)}" if query else "")
        return self._send(_request(url), follow=True)

    def get_json(self, path: str, query: Mapping[str, str] | None = None) -> Any:
        """Read something of the REST interface; raises SiteError where it is refused."""
        return _checked(self.get(path, query)).json()

    def post_json(self, path: str, value: Any) -> Any:
        """Write something to the REST interface; raises SiteError where it is refused."""
        request = _request(self._url(path), json.dumps(value).encode())
        request.add_header("Accept", "application/json")
        request.add_header("Content-Type", "application/json")
        token = self._cookie(_CSRF_COOKIE)
        if token is not None:
            request.add_header("X-CSRFToken", token)
        return _checked(self._send(request, follow=False)).json()

    def post_form(self, path: str, fields: Mapping[str, str | Sequence[str]], *, page: str | None = None) -> Answer:
        """Fill in a form and send it, as a browser does; the answer is not followed.

        `page` is the page with the form, where that has another address than what the form is sent to.

        Raises:
            SiteError: the page is not there for this visitor, or refuses forms altogether.
        """
        with self._lock:
            shown = _checked(self.get(page or path))
            found = _CSRF_FIELD.search(shown.text)
            token = found[1] if found else self._cookie(_CSRF_COOKIE) or ""
            data = urllib.parse.urlencode({"csrfmiddlewaretoken": token, **fields}, doseq=True).encode()
            answer = self._send(_request(self._url(path) if page else shown.url, data), follow=False)
        return answer if answer.status < 400 else _checked(answer)

    # --- inside --------------------------------------------------------------------------------------

    def _url(self, path: str) -> str:
        # Pages of a list and redirects come as whole addresses, perhaps with the site's other name.
        parts = urllib.parse.urlsplit(path)
        return self.origin + urllib.parse.urlunsplit(("", "", parts.path, parts.query, ""))

    def _authorization(self) -> dict[str, str]:
        if self._token is None:
            return {}
        return {"Authorization": f"Bearer {self._token if isinstance(self._token, str) else self._token()}"}

    def _cookie(self, name: str) -> str | None:
        return next((cookie.value for cookie in self._cookies if cookie.name == name), None)

    def _send(self, request: urllib.request.Request, *, follow: bool) -> Answer:
        if not request.has_header("Accept"):
            request.add_header("Accept", "text/html, application/json;q=0.9")
        request.add_header("Origin", self.origin)
        request.add_header("Referer", f"{self.origin}/")
        for name, value in self._authorization().items():
            # A redirect may lead to another site, which must not get it.
            request.add_unredirected_header(name, value)
        opener = self._following if follow else self._staying
        try:
            with opener.open(request, timeout=self._timeout) as response:
                return _answer(response)
        except urllib.error.HTTPError as error:
            with error:
                return _answer(error)
        except (OSError, http.client.HTTPException) as error:
            raise SiteUnreachable(f"{self.origin} does not answer: {error}") from error


def _request(url: str, data: bytes | None = None) -> urllib.request.Request:
    return urllib.request.Request(url, data)


def _answer(response: Any) -> Answer:
    body = response.read()
    if response.headers.get("Content-Encoding") == "gzip":
        body = gzip.decompress(body)
    return Answer(status=response.status, headers=response.headers, body=body, url=response.url)


def _checked(answer: Answer) -> Answer:
    """Return the answer, or raise what its status means."""
    status = answer.status
    if status < 400:
        return answer
    code, message = _reason(answer)
    message = message or f"{answer.url} answered {status}."
    if status == 429:
        after = answer.headers.get("Retry-After", "")
        raise RateLimited(message, code=code, retry_after=float(after) if after.isdecimal() else None)
    if status in (401, 403):
        raise NotAllowed(message, status=status, code=code)
    if status == 404:
        raise NotFound(message, status=status, code=code)
    if status >= 500:
        raise UnexpectedAnswer(message, status=status, code=code)
    raise SiteError(message, status=status, code=code)


def _reason(answer: Answer) -> tuple[str | None, str | None]:
    """Find code and message in a JSON refusal: problem+json, or the framework's own."""
    try:
        value = json.loads(answer.body)
    except ValueError:
        return None, None
    if not isinstance(value, dict):
        return None, None
    code, message = value.get("code"), value.get("detail") or value.get("message") or value.get("title")
    return (code if isinstance(code, str) else None), (message if isinstance(message, str) else None)

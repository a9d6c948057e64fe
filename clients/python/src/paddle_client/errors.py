"""Everything that the client raises. A refused bid is not among it: that is an answer, and is returned.

PaddleError
├── SiteUnreachable       nobody answered
├── SiteError             the site answered, but not what was asked for
│   ├── SignInFailed
│   ├── NotAllowed
│   ├── NotFound
│   ├── RateLimited
│   └── UnexpectedAnswer
├── RoomClosed            the room let this seat go for good
├── CannotConnect         no first state within the time
├── FellBehind            messages were not taken in time
└── BidUnresolved         what became of a bid is not known
"""


class PaddleError(Exception):
    """Anything that this client raises."""


class SiteUnreachable(PaddleError):
    """Nobody answered at the site's address; trying again later may help."""


class SiteError(PaddleError):
    """The site answered with a refusal.

    `status` is the HTTP status, `code` the machine-readable reason where the site gave one, and the exception's
    text is fit to show.
    """

    def __init__(self, message: str, *, status: int, code: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class SignInFailed(SiteError):
    """The e-mail address and the password do not belong together, or the account may not sign in this way."""


class NotAllowed(SiteError):
    """It exists, and this account may not do it (401 or 403)."""


class NotFound(SiteError):
    """It does not exist for this account (404)."""


class RateLimited(SiteError):
    """Too many requests; `retry_after` is how many seconds to wait, where the site said so."""

    def __init__(
        self, message: str, *, status: int = 429, code: str | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(message, status=status, code=code)
        self.retry_after = retry_after


class UnexpectedAnswer(SiteError):
    """The site answered something that this version of the client does not understand, or an error of its own."""


class RoomClosed(PaddleError):
    """The room let this seat go, and coming back would not help.

    `code` is the close code of the socket: 4401 signed out, 4403 not allowed or banned, 4404 no such auction;
    None where `close()` was called on this side.
    """

    def __init__(self, message: str, *, code: int | None = None) -> None:
        super().__init__(message)
        self.code = code


class CannotConnect(PaddleError):
    """The room gave no first state within the time that the caller allowed."""


class FellBehind(PaddleError):
    """An iteration over messages was not advanced for so long that messages were dropped.

    The room's `state` is right all the same; iterate again from there.
    """


class BidUnresolved(PaddleError):
    """No answer to a bid came in time, so it may or may not have counted.

    `bid_id` is its id: `AsyncRoom.bid(..., bid_id=...)` with the same amount, or `AsyncRoom.bid_status(bid_id)`,
    tells what became of it and can never make it count twice.
    """

    def __init__(self, message: str, *, bid_id: str) -> None:
        super().__init__(message)
        self.bid_id = bid_id

"""Coming in by a code in a mail, in one step for those who have an account and those who have none yet.

Owns the one difference from allauth's own sign-in by code: an address without an account gets the same mail, and its
account is made when the code comes back. So the two are answered alike, in the mail too, and an address that somebody
only typed leaves nothing behind. Limits, tries and what follows (a second factor) are allauth's.
"""

from typing import Any, Self, cast

from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.login import record_authentication
from allauth.account.internal.flows.login_by_code import LoginCodeVerificationProcess
from allauth.account.internal.flows.signup import complete_signup
from allauth.account.internal.userkit import filter_users_by_email
from allauth.account.models import EmailAddress, Login
from allauth.account.stages import LoginByCodeStage, LoginStageController
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse

from accounts.models import User
from accounts.services import user_create


class Entry(LoginCodeVerificationProcess):
    """A code that was sent, and what becomes of it."""

    # Not where allauth keeps its own: the page that asks for those knows nobody without an account.
    _KEY = "entry_code"

    @classmethod
    def begin(cls, request: HttpRequest, *, user: User | None, email: str) -> Self:
        """Send a code to an address; `user` has it, or None where it has no account."""
        login = Login(user=user, email=email)
        login.state["stages"] = {"current": LoginByCodeStage.key}
        stage = LoginByCodeStage(LoginStageController(request, login), request, login)
        stage.state.update(cls.initial_state(user=user, email=email), initiated_by_user=True)
        process = cls(stage)
        process.send()
        process.persist()
        return process

    @classmethod
    def pending(cls, request: HttpRequest) -> Self | None:
        """Return the code that this browser waits for, unless it is too old."""
        stage = LoginStageController.enter(request, LoginByCodeStage.key)
        if stage is None or cls._KEY not in stage.state:
            return None
        return cast("Self | None", cls(stage).abort_if_invalid())

    @property
    def email(self) -> str:
        """Where the code went."""
        return str(self.state["email"])

    @property
    def code(self) -> str:
        """The code."""
        return str(self.state[self._KEY])

    def generate_code(self) -> str:
        """Make a new code; those before count no longer."""
        self.state[self._KEY] = get_adapter().generate_login_code()
        return self.code

    def send_by_email(self, email: str, skip_enumeration_mails: bool = False) -> None:
        """Send a new code, whoever has the address."""
        context = {"request": self.request, "code": self.generate_code()}
        get_adapter().send_mail("account/email/login_code", email, context)

    def finish(self, redirect_url: str | None) -> HttpResponse:
        """Sign in whoever brought the code back, as far as that goes without a second factor."""
        if self.user is None:
            self._user, is_new = _account_of(self.email)
            if is_new:
                record_authentication(self.request, self._user, method="code", email=self.email)
                return cast("HttpResponse", complete_signup(self.request, user=self._user, redirect_url=redirect_url))
        return cast("HttpResponse", super().finish(redirect_url))


def password_forget(*, user: User, method: str, email: str | None = None, **_: Any) -> None:
    """Take away a password that was set before anybody proved the address, once its owner does so by a code.

    Somebody else may have typed the address and chosen the password, and would have a key to the account.
    """
    if method == "code" and EmailAddress.objects.filter(user=user, email=email, verified=False).exists():
        user.set_unusable_password()
        user.save(update_fields=["password"])


def _account_of(email: str) -> tuple[User, bool]:
    """Return the account of an address that was just proved, and whether it is new; a closed one is no other."""
    try:
        known = filter_users_by_email(email, prefer_verified=True, for_login=True)
        return (known[0], False) if known else (user_create(email=email), True)
    except IntegrityError:
        # Another tab of theirs was quicker.
        return User.objects.get(email=email), False

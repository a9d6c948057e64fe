"""What our sign-in does otherwise than allauth's defaults."""

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context
from django.utils.http import url_has_allowed_host_and_scheme


class AccountAdapter(DefaultAccountAdapter):
    """Sign-in by e-mail; addresses are kept in lower case, and `next` never leaves the site."""

    def clean_email(self, email: str) -> str:
        """Return the address as accounts keep it."""
        cleaned: str = super().clean_email(email.strip())
        return cleaned.lower()

    def is_safe_url(self, url: str | None) -> bool:
        """Allow only this very host: other names of ours may serve something else."""
        request = context.request
        return url_has_allowed_host_and_scheme(
            url, allowed_hosts={request.get_host()}, require_https=request.is_secure()
        )

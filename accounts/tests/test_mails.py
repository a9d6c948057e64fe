"""Every mail about an account: one line of subject, plain words, the site's name, nothing left blank."""

import pytest
from allauth.account.adapter import get_adapter
from allauth.core import context
from django.contrib.auth.models import AnonymousUser
from django.test import RequestFactory
from django.utils import timezone

pytestmark = pytest.mark.django_db

MAILS = {
    "account/email/account_already_exists": {"password_reset_url": "https://site.test/reset/"},
    "account/email/email_changed": {"from_email": "old@example.test", "to_email": "new@example.test"},
    "account/email/email_confirm": {},
    "account/email/email_confirmation": {"code": "1234-5678"},
    "account/email/email_confirmation_signup": {"activate_url": "https://site.test/confirm/"},
    "account/email/email_deleted": {"deleted_email": "old@example.test"},
    "account/email/login_code": {"code": "1234-5678"},
    "account/email/password_changed": {},
    "account/email/password_reset": {},
    "account/email/password_reset_key": {"password_reset_url": "https://site.test/reset/a&b/"},
    "account/email/password_set": {},
    "account/email/unknown_account": {"signup_url": "https://site.test/signup/"},
    "mfa/email/recovery_codes_generated": {},
    "mfa/email/totp_activated": {},
    "mfa/email/totp_deactivated": {},
    "mfa/email/webauthn_added": {},
    "mfa/email/webauthn_removed": {},
}
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
SAFARI = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Version/18.5 Mobile Safari/604.1"


@pytest.mark.parametrize("template", MAILS)
def test_a_mail_says_one_thing_in_our_words(mailoutbox, template):
    request = RequestFactory().get("/", headers={"user-agent": FIREFOX})
    request.user = AnonymousUser()
    about = {"timestamp": timezone.now(), "ip": "192.0.2.1", "user_agent": FIREFOX}
    with context.request_context(request):
        get_adapter().send_mail(template, "ben@example.test", about | MAILS[template])
    (mail,) = mailoutbox
    assert mail.subject.startswith("[Paddle] ")
    assert len(mail.subject) < 70
    assert mail.body.endswith("Paddle\ntestserver")
    assert not {"None", "Hello from", "Thank you", "{{", "&amp;"} & set(mail.body.split())
    assert all(word in mail.subject + mail.body for word in MAILS[template].values())
    if "need do nothing" not in mail.body and "code" not in MAILS[template]:
        assert "with Firefox on Windows from 192.0.2.1" in mail.body


@pytest.mark.parametrize(
    ("said", "shown"),
    [(FIREFOX, "Firefox on Windows"), (SAFARI, "Safari on iPhone"), ("curl/8.5.0", "curl/8.5.0"), ("", "Unknown")],
)
def test_a_browser_is_called_what_its_owner_calls_it(said, shown):
    from accounts.templatetags.devices import device

    assert device(said) == shown

"""Messages to browsers: what RFC 8291 says they look like, what another library opens, and whom this site calls."""

import datetime
import http.server
import json
import os
import ssl
import threading
import time
from typing import Any

import http_ece
import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.contrib.sessions.backends.db import SessionStore
from django.test import Client
from django.urls import reverse

from accounts.models import PushSubscription
from bidding import webpush
from bidding.models import Notification
from bidding.services import devices

pytestmark = pytest.mark.django_db

SITE_KEY = webpush.encode(b"\x01" * 32)
ENDPOINT = "https://push.example.test/send/1?x=1"


def key_of(text):
    return webpush.site_key(text)


def test_it_is_the_message_of_the_rfc():
    # RFC 8291, appendix A.
    sealed = webpush.seal(
        b"When I grow up, I want to be a watermelon",
        browser_key="BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
        secret="BTBZMqHH6r4Tts7J_aSIgg",
        salt=webpush.decode("DGv6ra1nlYgDCS1FRnbzlw"),
        own_key=key_of("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"),
    )
    assert webpush.encode(sealed) == (
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_"
        "yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )


class Browser:
    """A browser that subscribed: it opens what is sealed for it."""

    def __init__(self):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.secret = os.urandom(16)

    @property
    def keys(self):
        point = self.key.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )
        return {"public_key": webpush.encode(point), "secret": webpush.encode(self.secret)}

    def open(self, sealed):
        return json.loads(http_ece.decrypt(sealed, private_key=self.key, auth_secret=self.secret, version="aes128gcm"))


@pytest.fixture
def service(tmp_path, monkeypatch, settings):
    """Return a push service with a certificate of its own at a name that stands for this machine."""
    settings.WEB_PUSH_KEY = SITE_KEY
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "push.example.test")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("push.example.test")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = tmp_path / "service.pem"
    pem.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    monkeypatch.setattr(webpush, "_public_address", lambda _host, _port: "127.0.0.1")

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            server.got.append((self.path, dict(self.headers), body))
            while server.drips:
                # Each octet comes before a time-out, and there is no end of them.
                self.wfile.write(b"x")
                time.sleep(0.05)
            self.send_response(server.status)
            self.send_header("Location", "https://elsewhere.test/")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_args):
            pass

    server: Any = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.got, server.status, server.drips = [], 201, False
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def told(scheduled_auction, bidder):
    return Notification.objects.create(user=bidder, auction=scheduled_auction, kind="reminder", at_ms=1)


def add(user, browser, endpoint=ENDPOINT):
    """Add a browser in which a person just signed in, and return its row."""
    client = Client()
    client.force_login(user)
    response = client.post(
        reverse("device_add"), {"endpoint": endpoint, **browser.keys}, headers={"user-agent": "Firefox"}
    )
    return PushSubscription.objects.get(pk=response.json()["id"])


def subscribe(service, user, browser, host="push.example.test"):
    return add(user, browser, f"https://{host}:{service.server_port}/send/1?x=1")


@pytest.mark.parametrize("how", ["signed out", "another password", "switched off"])
def test_a_browser_shows_nothing_once_its_sign_in_ended(service, bidder, told, how):
    device = subscribe(service, bidder, Browser())
    if how == "signed out":
        SessionStore(device.session_key).delete()
    elif how == "another password":
        bidder.set_password("another one")
        bidder.save()
    else:
        type(bidder).objects.filter(pk=bidder.pk).update(is_active=False)
    devices.push_send(user=bidder, notification=told)
    assert service.got == []
    assert not PushSubscription.objects.exists()


def test_a_browser_opens_what_it_is_sent_and_the_site_signs_it(service, bidder, told):
    browser = Browser()
    device = subscribe(service, bidder, browser)
    devices.push_send(user=bidder, notification=told)
    ((path, headers, body),) = service.got
    assert path == "/send/1?x=1"
    message = browser.open(body)
    assert (message["title"], message["path"]) == (
        "Friday night watches begins soon",
        reverse("room", args=(told.auction.slug,)),
    )
    token, public = (part.partition("=")[2] for part in headers["Authorization"].removeprefix("vapid ").split(", "))
    assert public == webpush.public_key()
    claims = jwt.decode(
        token,
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), webpush.decode(public)),
        algorithms=["ES256"],
        audience=f"https://push.example.test:{service.server_port}",
    )
    assert claims["sub"].startswith("mailto:")
    assert headers["TTL"] == str(4 * 3600)
    device.refresh_from_db()
    assert device.used_at is not None


@pytest.mark.parametrize(("status", "kept"), [(404, 0), (410, 0), (302, 1), (429, 1), (500, 1)])
def test_a_browser_that_is_gone_is_forgotten(service, bidder, told, status, kept):
    subscribe(service, bidder, Browser())
    service.status = status
    devices.push_send(user=bidder, notification=told)
    assert len(service.got) == 1, "no redirect is followed"
    assert PushSubscription.objects.count() == kept


def test_a_service_that_never_ends_its_answer_holds_up_nothing(service, bidder, told, monkeypatch):
    monkeypatch.setattr(webpush, "_LONGEST_S", 0.5)
    subscribe(service, bidder, Browser())
    service.drips = True
    try:
        devices.push_send(user=bidder, notification=told)
    finally:
        service.drips = False
    assert PushSubscription.objects.get().failures == 1


def test_a_browser_that_fails_again_and_again_is_forgotten(service, bidder, told):
    device = subscribe(service, bidder, Browser())
    service.status = 500
    for failures in range(1, 8):
        devices.push_send(user=bidder, notification=told)
        device.refresh_from_db()
        assert device.failures == failures
    service.status = 201
    devices.push_send(user=bidder, notification=told)
    device.refresh_from_db()
    assert device.failures == 0, "in a row"
    service.status = 500
    for _time in range(8):
        devices.push_send(user=bidder, notification=told)
    assert not PushSubscription.objects.exists()


def test_a_service_with_the_certificate_of_another_name_gets_nothing(service, bidder, told):
    subscribe(service, bidder, Browser(), host="other.example.test")
    devices.push_send(user=bidder, notification=told)
    assert service.got == []
    assert PushSubscription.objects.count() == 1


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://push.example.test/1",
        "https://localhost/1",
        "https://127.0.0.1/1",
        "https://2130706433/1",
        "https://[::1]/1",
        "https://user@push.example.test/1",
        "https://push.example.test./1",
        "https://push.example.test/1#x",
        "https://push.example.test/\n1",
        "https://push.example.test:x/1",
        "ftp://push.example.test/1",
        "https://push.example.test/" + "x" * 600,
        "",
    ],
)
def test_an_address_that_is_no_services_is_refused(client, bidder, settings, endpoint):
    settings.WEB_PUSH_KEY = SITE_KEY
    client.force_login(bidder)
    response = client.post(reverse("device_add"), {"endpoint": endpoint, **Browser().keys})
    assert response.status_code == 422
    assert not PushSubscription.objects.exists()


@pytest.mark.parametrize("keys", [{"public_key": "x"}, {"public_key": "BAAA"}, {"secret": "AAAA"}, {"secret": "ü"}])
def test_keys_that_are_none_are_refused(client, bidder, settings, keys):
    settings.WEB_PUSH_KEY = SITE_KEY
    client.force_login(bidder)
    assert client.post(reverse("device_add"), {"endpoint": ENDPOINT, **Browser().keys, **keys}).status_code == 422


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("224.0.0.1", False),
        ("0.0.0.0", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("::ffff:8.8.8.8", False),
        ("64:ff9b::a00:1", False),
        ("64:ff9b:1::a00:1", False),
        ("::127.0.0.1", False),
        ("fec0::1", False),
        ("fd00::1", False),
        ("2002:7f00:1::", False),
    ],
)
def test_only_the_public_internet_is_called(address, public):
    assert webpush.is_public(address) is public


def test_a_name_that_leads_inside_is_not_called(bidder, told, settings, monkeypatch):
    settings.WEB_PUSH_KEY = SITE_KEY
    add(bidder, Browser())
    answers = [(2, 1, 6, "", ("93.184.215.14", 443)), (2, 1, 6, "", ("10.0.0.7", 443))]
    monkeypatch.setattr("socket.getaddrinfo", lambda *_args, **_options: answers)
    devices.push_send(user=bidder, notification=told)
    assert not PushSubscription.objects.exists()


def test_a_browser_belongs_to_who_used_it_last_and_nobody_removes_anothers(client, bidder, bidder2, settings):
    settings.WEB_PUSH_KEY = SITE_KEY
    browser = Browser()
    for user in (bidder, bidder2):
        client.force_login(user)
        assert client.post(reverse("device_add"), {"endpoint": ENDPOINT, **browser.keys}).status_code == 201
    device = PushSubscription.objects.get()
    assert device.user == bidder2
    page = client.get(reverse("notification_settings")).content.decode()
    assert ENDPOINT not in page
    client.force_login(bidder)
    path = reverse("device_remove", args=(device.pk,))
    assert client.post(path).status_code == 404
    client.force_login(bidder2)
    client.post(path)
    assert not PushSubscription.objects.exists()


def test_the_oldest_browser_goes_where_there_are_too_many(bidder, settings, monkeypatch):
    settings.WEB_PUSH_KEY = SITE_KEY
    monkeypatch.setattr(devices, "MOST", 2)
    for number in range(3):
        add(bidder, Browser(), f"{ENDPOINT}{number}")
    assert sorted(row.endpoint[-1] for row in PushSubscription.objects.all()) == ["1", "2"]


def test_the_worker_is_served_from_the_root_as_a_script(client):
    response = client.get("/sw.js")
    assert response["Content-Type"] == "text/javascript; charset=utf-8"
    assert 'addEventListener("push"' in response.content.decode()


def test_the_site_says_how_it_stands_on_a_home_screen(client, settings):
    settings.SITE_NAME = "Lamp House"
    response = client.get("/site.webmanifest")
    assert response["Content-Type"] == "application/manifest+json"
    assert (response.json()["name"], response.json()["display"]) == ("Lamp House", "standalone")
    assert 'rel="manifest" href="/site.webmanifest"' in client.get("/").content.decode()

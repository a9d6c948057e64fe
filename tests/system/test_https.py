"""The site serves https by itself where somebody has a certificate and no proxy: pages, and a whole room."""

import datetime
import ipaddress
import json
import ssl
import urllib.request
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from websockets.sync.client import connect
from websockets.typing import Origin

from bidding.services import lot_open
from bidding.tests.conftest import Show
from bidding.tests.rooms import PATIENCE_S, Page, cookie_of
from tests.system.conftest import StartWeb
from tests.system.test_supervisor import manage

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[str, str]:
    """Return the files of a certificate for this machine, and of its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    today = datetime.datetime.now(datetime.UTC)
    here = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(x509.random_serial_number()).add_extension(here, critical=False)
    made = made.not_valid_before(today - datetime.timedelta(days=1)).not_valid_after(today + datetime.timedelta(days=1))
    chain, secret = tmp_path / "chain.pem", tmp_path / "key.pem"
    chain.write_bytes(made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return str(chain), str(secret)


def test_a_room_over_https(show: Show, start: StartWeb, certificate: tuple[str, str]) -> None:
    chain, key = certificate
    lot_open(lot=show.lots[0], actor=show.host)
    bidder = show.bidders[0].user
    assert bidder is not None
    server = start("serve", arguments=["--certificate", chain, "--key", key])
    known = ssl.create_default_context(cafile=chain)
    address = f"127.0.0.1:{server.port}"
    with urllib.request.urlopen(f"https://{address}/api/v1/auctions/", context=known, timeout=PATIENCE_S) as answer:
        assert [each["id"] for each in json.load(answer)["results"]] == [show.auction.pk]
    with connect(
        f"wss://{address}/ws/auctions/{show.auction.pk}/",
        ssl=known,
        origin=Origin(server.origin),
        additional_headers={"Cookie": cookie_of(bidder)},
        compression=None,
    ) as socket:
        page = Page(socket)
        assert page.next()["you"]["can_bid"]
        v = page.ask("BID", "BID_ACCEPTED", amount="10.00")["v"]
        assert page.until("HIGHEST_BID")["v"] == v


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--certificate", "chain.pem"], "--certificate and --key go together"),
        (["--certificate", "nowhere.pem", "--key", "nowhere.pem"], "cannot serve with nowhere.pem"),
        (["--certificate", "manage.py", "--key", "manage.py"], "cannot serve with manage.py"),
    ],
)
def test_a_wrong_certificate_is_one_line(arguments: list[str], words: str) -> None:
    done = manage("serve", *arguments)
    assert done.returncode == 1
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1

"""What IVS recorded into its bucket of S3, which is private: playlists with signed addresses, and erasing.

Owns every call to that bucket. A playlist is fetched and rewritten here for whoever may see the show; the segments in
it come straight from S3, by addresses that are good for hours and for one segment each.
"""

import posixpath
import re
from functools import cache as once
from typing import Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings
from django.utils.translation import gettext as _

from auctions.models import StreamRecording
from auctions.streaming.base import StreamTrouble

ACTIONS: Final = {
    "delete_objects": "s3:DeleteObject",
    "get_object": "s3:GetObject",
    "list_objects_v2": "s3:ListBucket",
}
"""Every operation that is called, by its name in boto3, and the permission that it takes."""

MASTER: Final = "master.m3u8"
SIGNED_S: Final = 4 * 60 * 60
"""How long a segment's address is good: longer than somebody watches without loading the page again."""
_FOLDER: Final = "media/hls"
_PLAYLIST: Final = re.compile(r"([A-Za-z0-9_-]+/)?[A-Za-z0-9_-]+\.m3u8")
_URI: Final = re.compile(r'(?<=URI=")[^"]+')


@once
def client() -> Any:
    """Return this process' client of the bucket."""
    config = Config(
        connect_timeout=2,
        read_timeout=10,
        retries={"total_max_attempts": 2},
        signature_version="s3v4",
        s3={"addressing_style": "virtual"},
    )
    # Named, because the address without a region answers new buckets by a redirect.
    endpoint = f"https://s3.{settings.IVS_REGION}.amazonaws.com"
    session = boto3.session.Session()
    return session.client("s3", region_name=settings.IVS_REGION, endpoint_url=endpoint, config=config)


def origin(recording: StreamRecording) -> str:
    """Return the origin that a recording's segments come from."""
    return f"https://{recording.bucket}.s3.{settings.IVS_REGION}.amazonaws.com"


def playlist(recording: StreamRecording, name: str) -> str | None:
    """Return a playlist whose segments are signed; None where there is none of this name. Raises StreamTrouble."""
    if not _PLAYLIST.fullmatch(name):
        return None
    key = f"{recording.prefix}/{_FOLDER}/{name}"
    try:
        text: str = client().get_object(Bucket=recording.bucket, Key=key)["Body"].read().decode()
    except ClientError as error:
        if error.response["Error"]["Code"] in ("NoSuchKey", "404"):
            return None
        raise _trouble() from error
    except (BotoCoreError, UnicodeDecodeError) as error:
        raise _trouble() from error
    return "\n".join(_rewritten(line, recording.bucket, posixpath.dirname(key)) for line in text.splitlines()) + "\n"


def erase(recording: StreamRecording) -> None:
    """Delete everything below a recording's prefix. Harmless where it is gone; raises StreamTrouble."""
    try:
        while True:
            listed = client().list_objects_v2(Bucket=recording.bucket, Prefix=f"{recording.prefix}/")
            keys = [{"Key": each["Key"]} for each in listed.get("Contents", ())]
            if not keys:
                return
            deleted = client().delete_objects(Bucket=recording.bucket, Delete={"Objects": keys, "Quiet": True})
            if deleted.get("Errors"):
                raise _trouble()
    except (ClientError, BotoCoreError) as error:
        raise _trouble() from error


def _rewritten(line: str, bucket: str, folder: str) -> str:
    def signed(name: str) -> str:
        # Playlists stay relative: this site answers for them too.
        if name.endswith(".m3u8"):
            return name
        key = posixpath.normpath(f"{folder}/{name}")
        address: str = client().generate_presigned_url(
            "get_object", Params={"Bucket": bucket, "Key": key}, ExpiresIn=SIGNED_S
        )
        return address

    if line.startswith("#"):
        return _URI.sub(lambda found: signed(found[0]), line)
    return signed(line) if line.strip() else line


def _trouble() -> StreamTrouble:
    return StreamTrouble(_("The storage of the recordings does not answer. Try again."))

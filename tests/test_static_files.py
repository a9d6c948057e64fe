"""Scripts and styles as production has them: hashed down to the imports inside modules, compressed, cached for ever."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.pools import moto_server
from tests.test_settings import GOOD, ROOT, S3

MODULE, IMPORTED = "js/host/pictures.js", "js/strings.js"
HASHED = re.compile(r"\.[0-9a-f]{12}\.")
BUCKET, REGION = S3["S3_BUCKET"], S3["S3_REGION"]
KEYS = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "not-a-secret"}

# As the site itself would: the address of a module, then what answers there.
ADDRESS = f"from django.templatetags.static import static; print(static('{MODULE}'))"
ANSWER = f"""
import json
from django.test import Client
from django.templatetags.static import static
answer = Client(headers={{"accept-encoding": "gzip"}}).get(static('{MODULE}'), secure=True)
print(json.dumps({{name.lower(): value for name, value in answer.headers.items()}}))
"""


def run(*arguments: str, **changes: str) -> str:
    environment = {"PATH": os.environ["PATH"], "LOG_LEVEL": "ERROR", **GOOD, **changes}
    argv = [sys.executable, *arguments]
    done = subprocess.run(argv, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def site(code: str, **changes: str) -> str:
    return run(
        "-c", f"import django; django.setup()\n{code}", DJANGO_SETTINGS_MODULE="auction_site.settings", **changes
    )


def check_imports(text: str, names: dict[str, str]) -> None:
    """Check that a module imports the hashed name: the plain one is what an older page still holds."""
    assert Path(names[IMPORTED]).name in text
    assert f'"../{Path(IMPORTED).name}"' not in text


def test_here_files_are_hashed_compressed_and_served_for_ever(tmp_path: Path) -> None:
    run("manage.py", "collectstatic", "--no-input", VAR_DIR=str(tmp_path))
    folder = tmp_path / "static"
    names = json.loads((folder / "staticfiles.json").read_text())["paths"]
    module = folder / names[MODULE]
    check_imports(module.read_text(), names)
    assert HASHED.search(names[MODULE])
    assert module.with_name(f"{module.name}.gz").stat().st_size < module.stat().st_size

    headers = json.loads(site(ANSWER, VAR_DIR=str(tmp_path), ALLOWED_HOSTS="testserver"))
    assert headers["content-encoding"] == "gzip"
    assert "immutable" in headers["cache-control"]
    assert headers["x-content-type-options"] == "nosniff"


# Each file is a request to the stand-in for S3.
@pytest.mark.timeout(240)
def test_in_a_bucket_files_are_hashed_and_pages_name_them_at_the_sites_own_origin(tmp_path: Path) -> None:
    with moto_server() as endpoint:
        keys = {name.lower(): value for name, value in KEYS.items()}
        s3: Any = boto3.client("s3", endpoint_url=endpoint, region_name=REGION, **keys)
        s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        bucket = {**S3, **KEYS, "S3_ENDPOINT_URL": endpoint, "VAR_DIR": str(tmp_path)}
        # Ours alone: a thousand files of others would be sent in the same way.
        others = ("admin", "drf_spectacular_sidecar", "rest_framework", "unfold")
        run("manage.py", "collectstatic", "--no-input", *(f"--ignore={name}" for name in others), **bucket)

        names = json.loads(s3.get_object(Bucket=BUCKET, Key="static/staticfiles.json")["Body"].read())["paths"]
        module = s3.get_object(Bucket=BUCKET, Key=f"static/{names[MODULE]}")
        check_imports(module["Body"].read().decode(), names)
        assert "immutable" in module["CacheControl"]
        assert "javascript" in module["ContentType"]
        assert s3.head_object(Bucket=BUCKET, Key=f"static/{MODULE}")["CacheControl"] == "no-cache"
        assert site(ADDRESS, **bucket) == f"{GOOD['PUBLIC_URL']}/static/{names[MODULE]}"

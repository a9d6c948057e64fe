"""How static files are kept in a bucket: hashed names, so that they can be cached for ever."""

import re
from typing import Any

from storages.backends.s3 import S3ManifestStaticStorage

_HASHED = re.compile(r"\.[0-9a-f]{12}\.\w+$")


class S3HashedStaticFilesStorage(S3ManifestStaticStorage):
    """Hash the files, also the imports inside ES modules; what has a hash in its name never changes."""

    support_js_module_import_aggregation = True

    def get_object_parameters(self, name: str) -> dict[str, Any]:
        """Say how long a file may be kept."""
        cached = "public, max-age=31536000, immutable" if _HASHED.search(name) else "no-cache"
        return {**super().get_object_parameters(name), "CacheControl": cached}

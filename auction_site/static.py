"""How static files are served in production: hashed names, compressed, cached for ever."""

from servestatic.storage import CompressedManifestStaticFilesStorage


class HashedStaticFilesStorage(CompressedManifestStaticFilesStorage):
    """Hash the files and rewrite the imports inside ES modules to the hashed names."""

    support_js_module_import_aggregation = True

# PostgreSQL folds text by a function of its own and finds lots by an index; SQLite is given the function at each
# connection (`auctions.apps`) and has no index. The collation is named, because what a letter is must not depend on how
# somebody made their database.

from django.db import migrations

FOLD = r"""
CREATE FUNCTION search_fold(text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT ' ' || btrim(regexp_replace(
    lower(regexp_replace(normalize($1, NFKD), '[\u0300-\u036f]', '', 'g') COLLATE "und-x-icu"),
    '[^[:alnum:]]+' COLLATE "und-x-icu", ' ', 'g'))
$$
"""
INDEX = """
CREATE INDEX lot_words ON auctions_lot
USING gin (to_tsvector('simple', search_fold(((title || ' ' || condition) || ' ' || description))))
"""


def on_postgresql(*statements):
    def run(apps, schema_editor):
        if schema_editor.connection.vendor == "postgresql":
            for statement in statements:
                schema_editor.execute(statement)

    return run


class Migration(migrations.Migration):

    dependencies = [
        ('auctions', '0010_following'),
    ]

    operations = [
        migrations.RunPython(
            on_postgresql(FOLD, INDEX),
            on_postgresql("DROP INDEX lot_words", "DROP FUNCTION search_fold(text)"),
        ),
    ]

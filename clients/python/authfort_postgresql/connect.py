"""From the URL of a database to what psycopg connects with."""

from urllib.parse import parse_qsl, quote, urlencode, urlsplit

_SCHEMES = {"postgresql", "postgres", "postgresql+asyncpg", "postgresql+psycopg"}

# What asyncpg and SQLAlchemy's dialects call otherwise than libpq, or have for themselves.
_RENAMED = {"ssl": "sslmode", "timeout": "connect_timeout"}
_IGNORED = {"prepared_statement_cache_size", "statement_cache_size", "prepared_statement_name_func", "command_timeout"}
_SSL = {"true": "require", "1": "require", "false": "disable", "0": "disable"}


def conninfo(database_url: str) -> str:
    """Translates ``postgresql+asyncpg://`` and the like; libpq's own forms stay as they are."""
    if "://" not in database_url:
        return database_url
    parts = urlsplit(database_url)
    if parts.scheme not in _SCHEMES:
        # without the URL, which may hold a password
        raise ValueError(f"authfort lives in PostgreSQL: database_url must begin with postgresql://, not {parts.scheme}://")
    options = [
        (_RENAMED.get(name, name), _SSL.get(value, value) if name == "ssl" else value)
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
        if name not in _IGNORED
    ]
    query = "?" + urlencode(options, quote_via=quote) if options else ""
    return f"postgresql://{parts.netloc}{parts.path}{query}"

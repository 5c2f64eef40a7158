"""From the URL of a database to what psycopg connects with."""

from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

_SCHEMES = {"postgresql", "postgres", "postgresql+asyncpg", "postgresql+psycopg"}

# What asyncpg and SQLAlchemy's dialects call otherwise than libpq, or have for themselves.
_RENAMED = {"ssl": "sslmode", "timeout": "connect_timeout"}
_IGNORED = {"prepared_statement_cache_size", "statement_cache_size", "prepared_statement_name_func", "command_timeout"}
_SSL = {"true": "require", "1": "require", "false": "disable", "0": "disable"}


# A server that vanishes without a word is noticed within half a minute.
_DEFAULTS = {
    "application_name": "authfort-postgresql",
    "connect_timeout": "3",
    "keepalives_idle": "15",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "30000",
}


def conninfo(database_url: str) -> str:
    """The connection string for a URL, with defaults for what it leaves open."""
    text = _translate(database_url)
    try:
        given = conninfo_to_dict(text)
        return make_conninfo(text, **{name: value for name, value in _DEFAULTS.items() if name not in given})
    except psycopg.ProgrammingError:
        # whose text may show a part of the password
        raise ValueError("the URL of the database is not valid") from None


def _translate(database_url: str) -> str:
    """Turns ``postgresql+asyncpg://`` and the like into libpq's form."""
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

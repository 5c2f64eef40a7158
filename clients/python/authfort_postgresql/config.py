"""What the application says about the configuration, held against what the database says."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from ipaddress import ip_network
from typing import Any, Literal, TypedDict


@dataclass(frozen=True)
class CookieConfig:
    """The cookies that the application expects.  The database sets them, always HttpOnly."""

    secure: bool = True
    httponly: bool = True
    samesite: Literal["lax", "strict", "none"] = "lax"
    path: str = "/"
    domain: str | None = None
    access_cookie_name: str = "access_token"
    refresh_cookie_name: str = "refresh_token"

    def __post_init__(self) -> None:
        if not self.httponly:
            raise ValueError("authfort's cookies are always HttpOnly: no script needs to read a token")


@dataclass(frozen=True)
class RateLimitConfig:
    """The rate limits that the application expects; None disables a limit."""

    login: str | None = "5/min"
    signup: str | None = "3/min"
    magic_link: str | None = "5/min"
    otp: str | None = "5/min"
    verify_email: str | None = "5/min"
    refresh: str | None = "30/min"
    oauth_authorize: str | None = "10/min"
    mfa_verify: str | None = "5/min"


class SettingOptions(TypedDict, total=False):
    """Arguments of AuthFort that are settings of the database.  Only those that are given are compared."""

    access_token_ttl: int
    refresh_token_ttl: int
    jwt_issuer: str
    key_rotation_ttl: int
    allow_signup: bool
    password_reset_ttl: int
    rsa_key_size: int
    frontend_url: str | None
    email_verify_ttl: int
    magic_link_ttl: int
    email_otp_ttl: int
    allow_passwordless_signup: bool
    min_password_length: int
    trusted_proxies: list[str] | None
    password_history_count: int
    mfa_issuer: str | None
    mfa_max_failed_attempts: int
    mfa_lockout_seconds: int


class Options(SettingOptions, total=False):
    """The same, and arguments of AuthFort for what is elsewhere here."""

    providers: list[Any] | None
    introspect_secret: str | None
    rate_limit_store: Any
    trust_proxy: bool
    check_pwned_passwords: bool
    pwned_check_fail_open: bool
    pwned_check_timeout: float
    pwned_check_max_concurrency: int
    pwned_check_cache_ttl: float
    email_deliverability_check: bool
    email_deliverability_fail_open: bool
    mfa_backup_code_count: int


_MIN_RSA_KEY_SIZE = 2048

_RENAMED = {
    "frontend_url": "site_url",
    "mfa_max_failed_attempts": "mfa_lock_attempts",
    "mfa_lockout_seconds": "mfa_lock_time",
}

_BREACHED = "breached passwords are looked up in the database: authfort.load_breached_passwords() loads a list"
_DELIVERABLE = "authfort does not ask the DNS about addresses"

# The replacement of each of these, and the value that needs none.
_ELSEWHERE: dict[str, tuple[str, Any]] = {
    "providers": ("authfort.set_oauth_provider(name, config) configures a provider, once, in the database", None),
    "introspect_secret": ("authfort.create_service_token(name, scopes) makes secrets for POST /auth/introspect", None),
    "rate_limit_store": ("rate limits are kept by the database, for all processes", None),
    "trust_proxy": ("trusted_proxies (authfort.trusted_proxies) lists the proxies to trust", False),
    "check_pwned_passwords": (_BREACHED, False),
    "pwned_check_fail_open": (_BREACHED, True),
    "pwned_check_timeout": (_BREACHED, 2.0),
    "pwned_check_max_concurrency": (_BREACHED, 30),
    "pwned_check_cache_ttl": (_BREACHED, 300.0),
    "email_deliverability_check": (_DELIVERABLE, False),
    "email_deliverability_fail_open": (_DELIVERABLE, True),
    "mfa_backup_code_count": ("there are always ten backup codes", 10),
}


def setting_options(options: Mapping[str, Any]) -> SettingOptions:
    """The options that are settings of the database.  Others have to ask for what it does anyway."""
    settings: SettingOptions = {}
    for name, value in options.items():
        if name in SettingOptions.__annotations__:
            settings[name] = value  # type: ignore[literal-required]
        elif name not in _ELSEWHERE:
            raise TypeError(f"AuthFort() got an unexpected keyword argument {name!r}")
        elif value not in (_ELSEWHERE[name][1], []):
            raise TypeError(f"AuthFort() takes no {name}: {_ELSEWHERE[name][0]}")
    _check_values(settings)
    return settings


def _check_values(options: SettingOptions) -> None:
    if options.get("rsa_key_size", _MIN_RSA_KEY_SIZE) < _MIN_RSA_KEY_SIZE:
        raise ValueError(f"rsa_key_size must be >= {_MIN_RSA_KEY_SIZE}")
    for network in options.get("trusted_proxies") or []:
        try:
            ip_network(network, strict=False)
        except ValueError:
            raise ValueError(f"Invalid IP/CIDR in trusted_proxies: {network!r}") from None


@dataclass(frozen=True)
class Expected:
    """A setting as the application expects it: as ALTER DATABASE takes it."""

    setting: str
    value: str


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, list):
        return ", ".join(value)
    return "" if value is None else str(value)


def expectations(cookie: CookieConfig | None, rate_limit: RateLimitConfig | None, options: SettingOptions) -> Iterator[Expected]:
    if cookie is not None:
        yield Expected("authfort.cookies", "on")
        yield Expected("authfort.cookie_secure", _text(cookie.secure))
        yield Expected("authfort.cookie_samesite", cookie.samesite)
        yield Expected("authfort.cookie_path", cookie.path)
        yield Expected("authfort.cookie_domain", _text(cookie.domain))
        yield Expected("authfort.access_cookie_name", cookie.access_cookie_name)
        yield Expected("authfort.refresh_cookie_name", cookie.refresh_cookie_name)
    if rate_limit is not None:
        yield Expected("authfort.rate_limit", "on")
        for field in fields(rate_limit):
            yield Expected(f"authfort.rate_limit_{field.name}", _text(getattr(rate_limit, field.name)))
    for name, value in options.items():
        text = _text(value)
        yield Expected("authfort." + _RENAMED.get(name, name), text.rstrip("/") if name == "frontend_url" else text)


@dataclass(frozen=True)
class Setting:
    """A setting as pg_settings shows it."""

    value: str
    unit: str | None
    kind: str


_SECONDS = {"ms": 0.001, "s": 1, "min": 60, "h": 3600, "d": 86400}


def _spaceless(text: str) -> str:
    return "".join(text.split())


def _equals(expected: Expected, actual: Setting) -> bool:
    if actual.kind == "integer":
        return float(actual.value) * _SECONDS.get(actual.unit or "", 1) == float(expected.value)
    compare: Callable[[str], str] = _spaceless if expected.setting == "authfort.trusted_proxies" else str
    return compare(actual.value) == compare(expected.value)


@dataclass(frozen=True)
class Settings:
    """The settings of the database, and its name."""

    database: str
    values: dict[str, Setting]

    def text(self, name: str) -> str:
        return self.values[f"authfort.{name}"].value

    def elements(self, name: str) -> list[str]:
        """The elements of a list, without the quotes of those that need them."""
        elements = (element.strip().strip('"') for element in self.text(name).split(","))
        return [element for element in elements if element]

    def differences(self, expected: Iterable[Expected]) -> list[str]:
        """The statements that give the database the expected settings."""
        return [
            self._alter(one)
            for one in expected
            if one.setting not in self.values or not _equals(one, self.values[one.setting])
        ]

    def _alter(self, expected: Expected) -> str:
        if expected.setting not in self.values:
            return f"{expected.setting} is not a setting of the installed version of authfort"
        actual = self.values[expected.setting]
        value = expected.value if actual.unit is None else expected.value + "s"
        name = '"' + self.database.replace('"', '""') + '"'
        literal = "'" + value.replace("'", "''") + "'"
        return f"{expected.setting} is {actual.value!r}: ALTER DATABASE {name} SET {expected.setting} = {literal};"

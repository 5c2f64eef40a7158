"""Prepares a database for an application that uses authfort."""

from collections.abc import Iterable
from typing import Any

import psycopg
from psycopg import sql

from .follower import SCHEMA

Connection = psycopg.Connection[Any]


class MigrationError(Exception):
    """Something that has to be put right by hand."""


class Migration:
    """Runs the missing statements in one transaction, and keeps them.

    Run it once and roll back, and they are the plan.
    """

    def __init__(self, connection: Connection):
        self._connection = connection
        self.statements: list[str] = []

    def run(self, app_role: str | None, admin_role: str | None, settings: Iterable[tuple[str, str]]) -> None:
        self._check_server()
        self._extension()
        if app_role is not None:
            self._role(app_role, ("authfort_http", "authfort_fetch"))
        if admin_role is not None:
            self._role(admin_role, ("authfort_admin",))
            self._events(admin_role)
        for name, value in settings:
            self._setting(name, value)

    def _value(self, query: str, *arguments: object) -> Any:
        row = self._connection.execute(query, arguments).fetchone()
        return None if row is None else row[0]

    def _do(self, statement: str, *names: sql.Composable) -> None:
        text = sql.SQL(statement).format(*names).as_string(self._connection)
        self._connection.execute(text.encode())
        self.statements.append(text)

    def _check_server(self) -> None:
        version = self._value("SELECT current_setting('server_version_num')::int")
        if version < 150000:
            raise MigrationError("authfort needs PostgreSQL 15 or later")
        if self._value("SELECT getdatabaseencoding()") != "UTF8":
            raise MigrationError("authfort requires a database with encoding UTF8")
        if self._value("SELECT default_version FROM pg_available_extensions WHERE name = 'authfort'") is None:
            raise MigrationError("the extension authfort is not installed on the server: make install, or its package")

    def _extension(self) -> None:
        installed = self._value("SELECT extversion FROM pg_extension WHERE extname = 'authfort'")
        newest = self._value("SELECT default_version FROM pg_available_extensions WHERE name = 'authfort'")
        if installed is None:
            self._do("CREATE EXTENSION authfort;")
        elif installed != newest:
            self._do("ALTER EXTENSION authfort UPDATE TO {};", sql.Literal(newest))

    def _role(self, role: str, groups: Iterable[str]) -> None:
        if not self._exists(role):
            self._do("CREATE ROLE {} LOGIN;", sql.Identifier(role))
        for group in groups:
            if self._exists(group) and not self._value(
                "SELECT EXISTS (SELECT FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid"
                " JOIN pg_roles r ON r.oid = m.member WHERE g.rolname = %s AND r.rolname = %s)", group, role
            ):
                self._do("GRANT {} TO {};", sql.Identifier(group), sql.Identifier(role))

    def _exists(self, role: str) -> bool:
        return bool(self._value("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = %s)", role))

    def _events(self, role: str) -> None:
        """Lets a role follow events."""
        if self._value("SELECT to_regclass('authfort_client.followed')") is None:
            for statement in SCHEMA.split(";\n"):
                self._do(statement.rstrip(";") + ";")
        who = sql.Identifier(role)
        if not self._value("SELECT has_table_privilege(%s, 'authfort.events', 'SELECT')", role):
            self._do("GRANT SELECT ON authfort.events TO {};", who)
        if not self._value("SELECT has_schema_privilege(%s, 'authfort_client', 'USAGE')", role):
            self._do("GRANT USAGE ON SCHEMA authfort_client TO {};", who)
        if not self._value("SELECT has_table_privilege(%s, 'authfort_client.followed', 'UPDATE')", role):
            self._do("GRANT SELECT, INSERT, UPDATE ON authfort_client.followed TO {};", who)

    def _setting(self, name: str, value: str) -> None:
        """Sets a setting for the database, unless it is set to that."""
        # with the library loaded, its values are checked
        self._value("SELECT authfort.uid()")
        database = self._value("SELECT current_database()")
        now = self._value(
            "SELECT option.value FROM pg_db_role_setting s, pg_options_to_table(s.setconfig) option(name, value)"
            " WHERE s.setrole = 0 AND s.setdatabase = (SELECT oid FROM pg_database WHERE datname = %s)"
            " AND option.name = %s", database, f"authfort.{name}"
        )
        if now != value:
            self._do(
                "ALTER DATABASE {} SET {} = {};",
                sql.Identifier(database), sql.Identifier("authfort", name), sql.Literal(value),
            )


def plan(connection: Connection, *arguments: Any) -> list[str]:
    """The statements that are missing; nothing of them stays."""
    migration = Migration(connection)
    with connection.transaction(force_rollback=True):
        migration.run(*arguments)
    return migration.statements


def apply(connection: Connection, *arguments: Any) -> list[str]:
    migration = Migration(connection)
    with connection.transaction():
        migration.run(*arguments)
    return migration.statements

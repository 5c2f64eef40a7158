"""The command authfort-postgresql."""

import argparse
import os
import re
import sys
from collections.abc import Sequence

import psycopg

from .connect import conninfo
from .migrate import MigrationError, apply, plan


def _setting(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    name = name.removeprefix("authfort.")
    if not equals or not re.fullmatch("[a-z_]+", name):
        raise argparse.ArgumentTypeError("NAME=VALUE is expected, such as cookies=on")
    return name, value


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="authfort-postgresql", description="authfort in a database of PostgreSQL")
    commands = parser.add_subparsers(dest="command", required=True)
    migrate = commands.add_parser(
        "migrate",
        help="create or update the extension, and what applications need",
        description="Creates the extension, or updates it, in one transaction with the roles and settings that are"
        " named.  Shows what it will do, and asks first.  Needs a superuser.",
    )
    migrate.add_argument("--database-url", default=os.environ.get("DATABASE_URL", ""), help="default: $DATABASE_URL")
    migrate.add_argument("--app-role", help="the role of database_url: may serve the routes")
    migrate.add_argument("--admin-role", help="the role of admin_database_url: may administer and follow events")
    migrate.add_argument(
        "--set", dest="settings", metavar="NAME=VALUE", type=_setting, action="append", default=[],
        help="a setting of the database, such as cookies=on",
    )
    migrate.add_argument("--dry-run", action="store_true", help="only show the statements that would be run")
    migrate.add_argument("--yes", action="store_true", help="do not ask")
    return parser


def _confirmed() -> bool:
    if not sys.stdin.isatty():
        print("Nothing was done: run it again with --yes.", file=sys.stderr)
        return False
    return input("Run these? [y/N] ").strip().lower() in ("y", "yes")


def _migrate(options: argparse.Namespace) -> int:
    arguments = (options.app_role, options.admin_role, options.settings)
    with psycopg.connect(conninfo(options.database_url), autocommit=True) as connection:
        statements = plan(connection, *arguments)
        if not statements:
            print("-- nothing to do")
            return 0
        print("\n".join(statements), flush=True)
        if options.dry_run:
            return 0
        if not options.yes and not _confirmed():
            return 1
        apply(connection, *arguments)
        print("-- done")
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        return _migrate(options)
    except (MigrationError, psycopg.Error, ValueError) as error:
        print(f"authfort-postgresql: {str(error).strip()}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())

"""The command authfort-postgresql migrate."""

import os
import pty
import subprocess
import sys
import unittest

from support import PACKAGE, migrate, query, superuser

ROLES = ("py_new_app", "py new admin")
EVERYTHING = ("--app-role", ROLES[0], "--admin-role", ROLES[1], "--set", "cookies=on", "--set", "authfort.jwt_issuer=it's")


class Migrate(unittest.TestCase):
    def setUp(self):
        self.drop()
        self.addCleanup(self.drop)
        query("postgres", "CREATE DATABASE migrated TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8'")

    def drop(self):
        with superuser() as connection:
            connection.execute("DROP DATABASE IF EXISTS migrated WITH (FORCE)")
            for role in ROLES:
                connection.execute(f'DROP ROLE IF EXISTS "{role}"')

    def installed(self):
        return query("migrated", "SELECT 1 FROM pg_extension WHERE extname = 'authfort'") != []

    def test_shows_and_does(self):
        shown = migrate("migrated", "--dry-run", *EVERYTHING)
        self.assertFalse(self.installed())
        self.assertEqual(query("postgres", "SELECT 1 FROM pg_roles WHERE rolname = ANY (%s)", list(ROLES)), [])
        done = migrate("migrated", "--yes", *EVERYTHING)
        self.assertTrue(self.installed())
        self.assertEqual(done, shown + "-- done\n")
        for statement in (
            "CREATE EXTENSION authfort;", 'CREATE ROLE "py_new_app" LOGIN;', 'GRANT "authfort_http" TO "py_new_app";',
            'GRANT "authfort_admin" TO "py new admin";', 'GRANT SELECT ON authfort.events TO "py new admin";',
            "ALTER DATABASE \"migrated\" SET \"authfort\".\"cookies\" = 'on';",
            "ALTER DATABASE \"migrated\" SET \"authfort\".\"jwt_issuer\" = 'it''s';",
        ):
            self.assertIn(statement, done.splitlines())
        self.assertEqual(query("migrated", "SELECT authfort.version() IS NOT NULL, current_setting('authfort.jwt_issuer')"), [(True, "it's")])
        self.assertEqual(migrate("migrated", "--yes", *EVERYTHING), "-- nothing to do\n")

    def test_asks(self):
        refused = migrate("migrated", expected=1)
        self.assertIn("CREATE EXTENSION authfort;", refused)
        self.assertIn("--yes", refused)
        self.assertFalse(self.installed())
        self.assertEqual(self.answered(b"no\n"), 1)
        self.assertFalse(self.installed())
        self.assertEqual(self.answered(b"y\n"), 0)
        self.assertTrue(self.installed())

    def answered(self, answer: bytes) -> int:
        """Runs the command at a terminal."""
        ours, theirs = pty.openpty()
        process = subprocess.Popen(
            [sys.executable, "-m", "authfort_postgresql.cli", "migrate", "--database-url", "dbname=migrated"],
            stdin=theirs, stdout=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": str(PACKAGE)},
        )
        os.write(ours, answer)
        status = process.wait(30)
        os.close(ours)
        os.close(theirs)
        return status

    def test_wrong_setting_changes_nothing(self):
        for setting in ("no_such=1", "cookies=maybe"):
            with self.subTest(setting):
                text = migrate("migrated", "--yes", "--set", setting, expected=1)
                self.assertIn("authfort-postgresql: ", text)
                self.assertFalse(self.installed())
        with self.assertRaises(SystemExit):
            migrate("migrated", "--set", "cookies")

    def test_wrong_databases(self):
        self.assertIn("does not exist", migrate("no_such_database", expected=1))
        query("postgres", "DROP DATABASE migrated")
        query("postgres", "CREATE DATABASE migrated TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C'")
        self.assertIn("UTF8", migrate("migrated", "--yes", expected=1))

    def test_without_rights(self):
        query("postgres", 'CREATE ROLE "py_new_app" LOGIN')
        process = subprocess.run(
            [sys.executable, "-m", "authfort_postgresql.cli", "migrate", "--yes", "--database-url", "postgresql+asyncpg://py_new_app@/migrated"],
            capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(PACKAGE)},
        )
        self.assertEqual(process.returncode, 1)
        self.assertIn("permission denied", process.stderr)
        self.assertNotIn("Traceback", process.stderr)

"""The table of routes is that of the database."""

import unittest

from support import make_database, query

from authfort_postgresql.routes import ROUTES


class Table(unittest.TestCase):
    maxDiff = None

    def test_equal(self):
        make_database("routes")
        theirs = query("routes", "SELECT name, method, path, access FROM authfort.routes()")
        ours = [
            (route.name, route.method, route.path if route.rooted else "/auth" + route.path, route.access)
            for route in ROUTES
        ]
        self.assertEqual(sorted(theirs), sorted(ours))

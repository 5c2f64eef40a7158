"""Hooks: in order, without gaps, by one worker at a time, at least once."""

import asyncio
import contextlib
import re
import uuid

from support import PACKAGE, PASSWORD, AsyncCase, auth_of, query, start_database, stop_database, superuser, url

from authfort_postgresql import AuthFort, Event, Login, SessionRevoked, UserCreated
from authfort_postgresql import follower as follower_module
from authfort_postgresql.events import EVENTS, _annotations


class Events(AsyncCase):
    database = "events"

    async def asyncSetUp(self):
        # each test follows under a name of its own, from now on
        self.follower = uuid.uuid4().hex
        self.options = {"follower": self.follower}
        await super().asyncSetUp()
        self.auth._follower._interval = 0.05

    async def until(self, condition, seconds=60.0):
        async with asyncio.timeout(seconds):
            while not condition():
                await asyncio.sleep(0.02)

    async def test_hooks(self):
        seen = []
        everything = []

        @self.auth.on("user_created")
        async def created(event):
            seen.append(event)

        def login(event):
            # no coroutine: it runs in a thread, and may block
            asyncio.run(asyncio.sleep(0))
            seen.append(event)

        self.auth.add_hook("login", login)
        self.auth.add_hook("session_revoked", lambda event: seen.append(event))
        self.auth.add_hook("*", everything.append)
        await self.auth.start()
        await self.registered()
        signed_in = await self.signed_in("hooks@example.com")
        await self.auth.revoke_all_sessions(signed_in.user.id)
        await self.until(lambda: len(seen) == 3 and len(everything) >= 3)
        self.assertEqual([type(event) for event in seen], [UserCreated, Login, SessionRevoked])
        self.assertEqual((seen[0].user_id, seen[0].email, seen[0].name, seen[0].event), (signed_in.user.id, "hooks@example.com", None, "user_created"))
        self.assertEqual((seen[1].provider, seen[2].revoke_all, seen[2].session_id), ("email", True, None))
        self.assertIsNotNone(seen[0].timestamp.tzinfo)
        with self.assertRaises(AttributeError):
            seen[0].token
        self.assertTrue(all(isinstance(event, Event) for event in everything))
        self.assertLessEqual({"user_created", "login", "session_revoked"}, {event.event for event in everything})

    async def registered(self):
        """Waits until the worker has a position, from which on events are followed."""
        await self.until(lambda: query("events", "SELECT 1 FROM authfort_client.followed WHERE follower = %s", self.follower))

    async def test_names(self):
        for bad in ("", "User", "user created", "'", "user_create"):
            with self.assertRaises(ValueError):
                self.auth.add_hook(bad, print)

    async def test_documented(self):
        """Each event of docs/events.md has a class, with the members that are documented."""
        documented = {}
        page = (PACKAGE.parent.parent / "docs" / "events.md").read_text()
        for line in page.partition("\n| event | payload")[2].partition("\n\n")[0].splitlines()[2:]:
            _, names, payload, _ = line.split("|")
            members = set(re.findall("[a-z_]+", " ".join(re.findall("`(.+?)`", payload))))
            documented.update(dict.fromkeys(re.findall("`(.+?)`", names), members))
        self.assertEqual(set(documented), set(EVENTS))
        common = set(_annotations(Event)) | {"ip_address", "user_agent"}
        for name, members in documented.items():
            with self.subTest(name):
                self.assertLessEqual(set(_annotations(EVENTS[name])), members | common)

    async def test_only_what_happens_from_now_on(self):
        await self.signed_in("before@example.com")
        seen = []
        self.auth.add_hook("login", lambda event: seen.append(event.email))
        await self.auth.start()
        await self.registered()
        await self.signed_in("after@example.com")
        await self.until(lambda: seen)
        self.assertEqual(seen, ["after@example.com"])

    async def test_order_and_gaps(self):
        """An event of a transaction that commits late is neither lost nor overtaken for good."""
        seen = []
        self.auth.add_hook("user_created", lambda event: seen.append(event.email))
        await self.auth.start()
        await self.registered()
        with superuser("events") as slow:
            slow.autocommit = False
            slow.execute("SELECT authfort.create_user('slow@example.com', %s)", (PASSWORD,))
            for number in range(3):
                await self.auth.create_user(f"quick{number}@example.com", PASSWORD)
            await asyncio.sleep(0.5)
            slow.commit()
        await self.until(lambda: len(seen) == 4)
        self.assertEqual(set(seen), {"slow@example.com", "quick0@example.com", "quick1@example.com", "quick2@example.com"})
        recorded = query("events", "SELECT payload->>'email' FROM authfort.events WHERE payload->>'email' = ANY (%s) AND event = 'user_created' ORDER BY xid, id", seen)
        self.assertEqual(seen, [row[0] for row in recorded])

    async def test_one_worker_at_a_time(self):
        """Several processes follow under one name: each event is handled once as long as none dies."""
        seen = []
        running = 0

        async def hook(event):
            nonlocal running
            running += 1
            self.assertEqual(running, 1)
            await asyncio.sleep(0.005)
            running -= 1
            seen.append(event.email)

        others = [auth_of("events", follower=self.follower) for _ in range(3)]
        for auth in others:
            auth.add_hook("user_created", hook)
            await auth.start()
        await self.registered()
        emails = [f"many{number}@example.com" for number in range(120)]
        for first in range(0, len(emails), 10):
            await asyncio.gather(*(self.auth.create_user(email, None) for email in emails[first : first + 10]))
        await self.until(lambda: len(seen) >= len(emails))
        await asyncio.sleep(0.3)
        self.assertEqual(sorted(seen), sorted(emails))
        for auth in others:
            await auth.dispose()

    async def test_goes_on_where_it_stopped(self):
        seen = []
        for round_number in range(2):
            auth = auth_of("events", follower=self.follower)
            auth.add_hook("login", lambda event: seen.append(event.email))
            await auth.start()
            if round_number == 0:
                await self.registered()
                await self.signed_in("first@example.com")
                await self.until(lambda: len(seen) == 1)
                await auth.dispose()
                # while no one follows
                await self.signed_in("second@example.com")
            else:
                await self.until(lambda: len(seen) == 2)
                await auth.dispose()
        self.assertEqual(seen, ["first@example.com", "second@example.com"])

    async def test_failing_hook(self):
        """It is repeated, and given up after some attempts; other events go on."""
        attempts = []
        seen = []

        async def hook(event):
            attempts.append(event.email)
            if event.email == "poison@example.com":
                raise RuntimeError("no")
            seen.append(event.email)

        self.auth.add_hook("user_created", hook)
        await self.auth.start()
        await self.registered()
        with self.assertLogs("authfort_postgresql", "ERROR") as logged:
            await self.auth.create_user("poison@example.com", PASSWORD)
            await self.auth.create_user("healthy@example.com", PASSWORD)
            await self.until(lambda: seen)
        self.assertEqual(attempts.count("poison@example.com"), follower_module.ATTEMPTS)
        self.assertIn("given up", logged.output[-1])

    async def test_database_restarts(self):
        seen = []
        self.auth.add_hook("user_created", lambda event: seen.append(event.email))
        await self.auth.start()
        await self.registered()
        await self.auth.create_user("one@example.com", PASSWORD)
        await self.until(lambda: len(seen) == 1)
        stop_database()
        await asyncio.sleep(0.3)
        start_database()
        await self.auth.create_user("two@example.com", PASSWORD)
        await self.until(lambda: "two@example.com" in seen)

    async def test_other_cluster(self):
        """After a restore, the rows of the former cluster come first."""
        seen = []
        self.auth.add_hook("user_created", lambda event: seen.append(event.email))
        await self.auth.start()
        await self.registered()
        await self.auth._follower.stop()
        query("events", "SELECT authfort.create_user('here@example.com')")
        query(
            "events",
            "INSERT INTO authfort.events (event, created_at, payload, xid, cluster)"
            " VALUES ('user_created', now(), '{\"email\": \"there@example.com\"}', '9', 4711)",
        )
        await self.auth.start()
        await self.until(lambda: len(seen) == 2)
        self.assertEqual(seen, ["there@example.com", "here@example.com"])

    async def test_stops(self):
        """dispose() lets the hook that runs come to its end, and saves the position."""
        seen = []
        begun = asyncio.Event()

        async def hook(event):
            begun.set()
            await asyncio.sleep(0.3)
            seen.append(event.email)

        self.auth.add_hook("user_created", hook)
        await self.auth.start()
        await self.registered()
        await self.auth.create_user("stop@example.com", PASSWORD)
        await asyncio.wait_for(begun.wait(), 60)
        await self.auth.dispose()
        self.assertEqual(seen, ["stop@example.com"])
        await self.auth.start()
        await asyncio.sleep(0.3)
        self.assertEqual(seen, ["stop@example.com"])

    async def test_without_rights(self):
        """A role that may not follow: said once a minute, and nothing else is disturbed."""
        auth = AuthFort(url("events", "py_admin"), admin_database_url=url("events", "py_app"))
        auth.add_hook("login", print)
        with self.assertLogs("authfort_postgresql", "ERROR") as logged:
            await auth.check()
            with contextlib.suppress(TimeoutError):
                await self.until(lambda: len(logged.output) > 1, 0.5)
        self.assertEqual(len(logged.output), 1)
        self.assertIn("authfort-postgresql migrate", logged.output[0])
        await auth.dispose()

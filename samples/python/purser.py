"""A budget around model calls, with the standard library only: hold what a call may use, make the call, settle what it used."""
import asyncio
import contextlib
import json
import time
import urllib.error
import urllib.request
import uuid


class Refused(Exception):
    """The budget does not allow the call. `problem` says which limits are in the way and what would fit."""

    def __init__(self, problem):
        super().__init__(problem.get("detail") or problem["title"])
        self.problem = problem


class Purser:
    def __init__(self, url, key=None, tries=5):
        self.url, self.key, self.tries = url.rstrip("/"), key, tries

    def ask(self, path, body):
        """Posts a body. What may be tried again is tried again, with the same id: it is done once, however often it arrives."""
        headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {self.key}"} if self.key else {})}
        for left in range(self.tries - 1, -1, -1):
            request = urllib.request.Request(f"{self.url}/v1/accounts/{path}", json.dumps(body).encode(), headers, method="POST")
            try:
                with urllib.request.urlopen(request, timeout=10) as answer:
                    return json.load(answer)
            except urllib.error.HTTPError as refused:
                with refused:
                    problem = json.load(refused)
                if refused.code == 429:
                    raise Refused(problem) from None
                if refused.code != 503 or left == 0:
                    raise RuntimeError(f"{refused.code}: {problem.get('detail') or problem['title']}") from None
            except (urllib.error.URLError, TimeoutError, ConnectionError):
                # Without an answer nothing is allowed: the call is not made.
                if left == 0:
                    raise
            time.sleep(0.2 * 2 ** (self.tries - left))

    @contextlib.contextmanager
    def hold(self, account, **estimate):
        """Holds what a call may use. Whatever happens inside, the hold is settled or released at the end."""
        estimate.setdefault("id", uuid.uuid4().hex)
        held = Hold(self, account, estimate["id"], self.ask(f"{account}/reservations", estimate))
        try:
            yield held
        except BaseException:
            held.close(failed=True)
            raise
        held.close(failed=False)

    @contextlib.asynccontextmanager
    async def hold_async(self, account, **estimate):
        """The same for asyncio, with a heartbeat: the hold lasts as long as the call."""
        estimate = {"id": uuid.uuid4().hex, "ttlSeconds": 60, **estimate}
        held = Hold(self, account, estimate["id"], await asyncio.to_thread(self.ask, f"{account}/reservations", estimate))

        async def beat():
            while True:
                await asyncio.sleep(estimate["ttlSeconds"] / 3)
                await asyncio.to_thread(held.extend, estimate["ttlSeconds"])

        heart = asyncio.create_task(beat())
        failed = True
        try:
            yield held
            failed = False
        finally:
            heart.cancel()
            await asyncio.to_thread(held.close, failed)


class Hold:
    def __init__(self, purser, account, identity, decision):
        self.purser, self.path, self.decision = purser, f"{account}/reservations/{identity}", decision
        self.started, self.usage = False, None

    def extend(self, seconds):
        self.purser.ask(f"{self.path}/extend", {"id": uuid.uuid4().hex, "ttlSeconds": seconds})

    def close(self, failed):
        """Known usage is booked. A call that broke after it began may have cost anything: the larger of estimate and usage is booked.
        One that never began, or that the provider refused, costs nothing."""
        if self.usage is not None and not failed:
            self.purser.ask(f"{self.path}/settle", self.usage)
        elif self.started:
            self.purser.ask(f"{self.path}/settle", {**(self.usage or {}), "outcome": "unknown"})
        else:
            self.purser.ask(f"{self.path}/release", {})

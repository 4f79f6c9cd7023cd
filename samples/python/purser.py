"""A budget around model calls, with the standard library only: hold what a call may use, make the call, settle what it used."""
import asyncio
import contextlib
import json
import socket
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
        except BaseException as thrown:
            held.close(thrown)
            raise
        held.close()

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
        thrown = None
        try:
            yield held
        except BaseException as error:
            thrown = error
            raise
        finally:
            heart.cancel()
            await asyncio.to_thread(held.close, thrown)


def served_nothing(thrown):
    """Whether it is certain that the provider served nothing: it was not reached, or it turned the request away. Timeouts (408), conflicts
    of a repetition (409), 5xx and broken connections say nothing of that."""
    if isinstance(thrown, urllib.error.HTTPError):
        return 400 <= thrown.code < 500 and thrown.code not in (408, 409)
    return isinstance(getattr(thrown, "reason", None), (ConnectionRefusedError, socket.gaierror))


class Hold:
    """`sent` is set before the provider is asked, `answered` once its answer has begun, `usage` when it is known."""

    def __init__(self, purser, account, identity, decision):
        self.purser, self.path, self.decision = purser, f"{account}/reservations/{identity}", decision
        self.sent, self.answered, self.usage = False, False, None

    def extend(self, seconds):
        self.purser.ask(f"{self.path}/extend", {"id": uuid.uuid4().hex, "ttlSeconds": seconds})

    def close(self, thrown=None):
        """Known usage is booked. A call that was never made, or of which the provider certainly served nothing, costs nothing. Any other
        may have cost anything: the larger of estimate and usage is booked. Where nobody can tell the budget, the hold runs out; a policy
        with "holds": {"onExpiry": "charge"} books it then."""
        if self.usage is not None and thrown is None:
            self.purser.ask(f"{self.path}/settle", self.usage)
        elif not self.sent or (not self.answered and served_nothing(thrown)):
            self.purser.ask(f"{self.path}/release", {})
        else:
            self.purser.ask(f"{self.path}/settle", {**(self.usage or {}), "outcome": "unknown"})

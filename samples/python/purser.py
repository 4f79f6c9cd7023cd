"""A budget around model calls, with the standard library only: hold what a call may use, make the call, settle what it used."""
import asyncio
import contextlib
import http.client
import json
import socket
import time
import urllib.error
import urllib.request
import uuid

PROBLEM = "urn:purser:problem:"


class Refused(Exception):
    """The budget does not allow the call. `problem` says which limits are in the way and what would fit."""

    def __init__(self, problem):
        super().__init__(problem.get("detail") or problem["title"])
        self.problem = problem


class Purser:
    def __init__(self, url, key=None, tries=5):
        self.url, self.key, self.tries = url.rstrip("/"), key, tries

    def ask(self, path, body):
        """Posts a body, with the same id until there is an answer: what was done once is not done twice. Without one nothing is allowed:
        the call is not made. A refusal is an answer; that the key asks too often has its status (429), and is none."""
        for left in range(self.tries - 1, -1, -1):
            after = ""
            try:
                status, after, answer = self.post(path, body)
                if status < 300:
                    return answer
                is_final = status < 500 and status != 408 and answer["type"] != PROBLEM + "rate-limited"
                if is_final and status == 429:
                    raise Refused(answer)
                failed = RuntimeError(f"{status}: {answer.get('detail') or answer['title']}")
                if is_final:
                    raise failed
            except (OSError, http.client.HTTPException, ValueError) as broken:
                failed = broken
            if left == 0:
                raise failed
            time.sleep(max(0.2 * 2 ** (self.tries - left), int(after) if after.isdigit() else 0))

    def post(self, path, body):
        """Status, Retry-After and body of one try. What is no JSON, or no problem of Purser's, comes from a proxy and says nothing."""
        headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {self.key}"} if self.key else {})}
        request = urllib.request.Request(f"{self.url}/v1/accounts/{path}", json.dumps(body).encode(), headers, method="POST")
        try:
            response = urllib.request.urlopen(request, timeout=10)
        except urllib.error.HTTPError as error:
            response = error
        with response:
            answer = json.load(response)
        if not isinstance(answer, dict) or (response.status >= 300 and not str(answer.get("type")).startswith(PROBLEM)):
            raise ConnectionError(f"{response.status} did not come from a Purser: {answer}")
        return response.status, response.headers.get("Retry-After", ""), answer

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

"""Calls with a budget around them: plain, asynchronous, streamed, a stream that breaks, calls that fail, and one that is refused."""
import asyncio
import json
import os
import urllib.error
import urllib.request

from purser import Purser, Refused

purser = Purser(os.environ.get("PURSER_URL", "http://127.0.0.1:8080"), os.environ.get("PURSER_KEY"))
provider = os.environ.get("PROVIDER_URL", "https://api.openai.com")
account = os.environ.get("ACCOUNT", "sample-python")
call = {"provider": "openai", "model": "gpt-4o-mini", "inputTokens": 200, "maxOutputTokens": 300}


def complete(held, stream=False, model="gpt-4o-mini"):
    """The provider's answer, piece by piece; what it used is told to the hold as soon as it is known."""
    body = {"model": model, "max_tokens": 300, "messages": [{"role": "user", "content": "Say hello."}], "stream": stream}
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {os.environ.get('OPENAI_API_KEY', 'none')}"}
    if stream:
        body["stream_options"] = {"include_usage": True}
    request = urllib.request.Request(f"{provider}/v1/chat/completions", json.dumps(body).encode(), headers)
    held.sent = True
    with urllib.request.urlopen(request, timeout=60) as answer:
        held.answered = True
        if not stream:
            reply = json.load(answer)
            held.usage = {"provider": "openai", "model": model, "raw": reply["usage"]}
            yield reply["choices"][0]["message"]["content"]
            return
        for line in answer:
            if not line.startswith(b"data: {"):
                continue
            chunk = json.loads(line[len(b"data: "):])
            if chunk.get("usage"):
                held.usage = {"provider": "openai", "model": model, "raw": chunk["usage"]}
            for choice in chunk["choices"]:
                yield choice["delta"].get("content", "")
        if held.usage is None:
            raise ConnectionError("the stream ended before its usage")


with purser.hold(account, **call) as held:
    print("plain:", "".join(complete(held)))


async def later():
    async with purser.hold_async(account, **call) as held:
        print("async:", await asyncio.to_thread(lambda: "".join(complete(held))))


asyncio.run(later())

with purser.hold(account, **call) as held:
    print("stream:", "".join(complete(held, stream=True)))

try:
    with purser.hold(account, **call) as held:
        for piece in complete(held, stream=True, model="breaks"):
            print("broken:", piece)
except (ConnectionError, OSError, json.JSONDecodeError) as broken:
    print("broken: the stream broke, and its hold was booked:", type(broken).__name__)

for model, becomes in (("fails", "booked in doubt"), ("refuses", "released")):
    try:
        with purser.hold(account, **call) as held:
            list(complete(held, model=model))
    except urllib.error.HTTPError as failed:
        print("failed: the provider answered", failed.code, "and the hold was", becomes)

try:
    with purser.hold(account, **call) as held:
        list(complete(held, model="drops"))
except OSError as dropped:
    print("dropped: the answer never came, and the hold was booked:", type(dropped).__name__)

try:
    with purser.hold(account, **{**call, "maxOutputTokens": 1_000_000}) as held:
        print("this is not reached")
except Refused as refused:
    print("refused:", refused, "| what would fit:", [suggestion["action"] for suggestion in refused.problem["suggestions"]])

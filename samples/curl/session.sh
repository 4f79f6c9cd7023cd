#!/usr/bin/env bash
# A budget around a model call with nothing but curl: hold, call, settle. It exits with 3 where the budget refuses the call.
#   PURSER_URL, PURSER_KEY, PROVIDER_URL, ACCOUNT: where to ask, and for whom.
set -euo pipefail

purser="${PURSER_URL:-http://127.0.0.1:8080}/v1/accounts/${ACCOUNT:-sample-curl}"
provider="${PROVIDER_URL:-https://api.openai.com}"
work="$(mktemp -d)"
trap 'rm -rf -- "$work"' EXIT

# ask PATH BODY: prints the status; the answer is in a file. A 503 is asked again: the id makes it harmless.
ask() {
  curl -sS --max-time 10 --retry 5 --retry-connrefused -o "$work/answer" -w '%{http_code}' -H 'Content-Type: application/json' \
    ${PURSER_KEY:+-H "Authorization: Bearer $PURSER_KEY"} -X POST "$purser/$1" -d "$2"
}

hold="call-$(date +%s)-$$"
status="$(ask reservations '{"id":"'"$hold"'","provider":"openai","model":"gpt-4o-mini","inputTokens":200,"maxOutputTokens":300}')"
case "$status" in
  201) echo "held: $hold" ;;
  429) grep -o '"detail":"[^"]*"' "$work/answer" && exit 3 ;;
  # Without an answer nothing is allowed.
  *) cat "$work/answer" && exit 1 ;;
esac

if ! curl -sS --fail --max-time 60 -o "$work/reply" "$provider/v1/chat/completions" -H 'Content-Type: application/json' \
  -H "Authorization: Bearer ${OPENAI_API_KEY:-none}" \
  -d '{"model":"'"${MODEL:-gpt-4o-mini}"'","max_tokens":300,"messages":[{"role":"user","content":"Say hello."}]}'; then
  # The provider charged nothing: all of it goes back.
  ask "reservations/$hold/release" '{}' >/dev/null
  echo "released: the provider failed"
  exit 1
fi

count() { grep -o "\"$1\": *[0-9]*" "$work/reply" | grep -o '[0-9]*$' | head -n 1; }
status="$(ask "reservations/$hold/settle" '{"inputTokens":'"$(count prompt_tokens)"',"outputTokens":'"$(count completion_tokens)"'}')"
[[ "$status" == 200 ]] || { cat "$work/answer" && exit 1; }
echo "settled: $(count prompt_tokens) in, $(count completion_tokens) out, $(grep -o '"cost":"[^"]*"' "$work/answer" | head -n 1)"

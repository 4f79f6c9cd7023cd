#!/usr/bin/env bash
# A budget around a model call with nothing but curl: hold, call, settle. It exits with 3 where the budget refuses the call.
#   PURSER_URL, PURSER_KEY, PROVIDER_URL, ACCOUNT: where to ask, and for whom.
set -euo pipefail

purser="${PURSER_URL:-http://127.0.0.1:8080}/v1/accounts/${ACCOUNT:-sample-curl}"
provider="${PROVIDER_URL:-https://api.openai.com}"
work="$(mktemp -d)"
trap 'rm -rf -- "$work"' EXIT

# ask PATH BODY: prints the status, "no answer" where none came; the answer is in a file. Without one, after 5xx and where the key asks too
# often, it asks again, not before Retry-After: the id makes it harmless. What is neither an object nor a problem of Purser comes from a
# proxy. A refusal (any other 429) is an answer. (curl's own --retry would ask for it again.)
ask() {
  local status pause after
  for pause in 1 2 3 4 ''; do
    : >"$work/answer" && : >"$work/headers"
    status="$(curl -sS --max-time 10 -o "$work/answer" -D "$work/headers" -w '%{http_code}' -H 'Content-Type: application/json' \
      ${PURSER_KEY:+-H "Authorization: Bearer $PURSER_KEY"} -X POST "$purser/$1" -d "$2")" || status='no answer'
    case "$status $(cat "$work/answer")" in
      *urn:purser:problem:rate-limited*) status='too often' ;;
      2*' {'*'}') break ;;
      408* | 5*) ;;
      *urn:purser:problem:*) break ;;
      *) status='no answer' ;;
    esac
    [[ -n "$pause" ]] || break
    after="$(sed -n 's/^[Rr]etry-[Aa]fter: *0*\([0-9][0-9]*\).*/\1/p' "$work/headers")"
    sleep "$(( after > pause ? after : pause ))"
  done
  echo "$status"
}

# It may have cost anything: the larger of estimate and usage is booked. Where nobody can tell the budget, the hold runs out; a policy with
# "holds": {"onExpiry": "charge"} books it then.
in_doubt() {
  ask "reservations/$hold/settle" '{"outcome":"unknown"}' >/dev/null
  echo "in doubt: $1"
  exit 1
}

release() {
  ask "reservations/$hold/release" '{}' >/dev/null
  echo "released: $1"
  exit 1
}

hold="call-$(date +%s)-$$"
status="$(ask reservations '{"id":"'"$hold"'","provider":"openai","model":"gpt-4o-mini","inputTokens":200,"maxOutputTokens":300}')"
case "$status" in
  201) echo "held: $hold" ;;
  429) grep -o '"detail":"[^"]*"' "$work/answer" && exit 3 ;;
  # Without an answer nothing is allowed.
  *) echo "not held: $status $(cat "$work/answer")" && exit 1 ;;
esac

failure=0
status="$(curl -sS --max-time 60 -o "$work/reply" -w '%{http_code}' "$provider/v1/chat/completions" -H 'Content-Type: application/json' \
  -H "Authorization: Bearer ${OPENAI_API_KEY:-none}" \
  -d '{"model":"'"${MODEL:-gpt-4o-mini}"'","max_tokens":300,"messages":[{"role":"user","content":"Say hello."}]}')" || failure=$?
# All of it goes back only where it is certain that the provider served nothing: it was not reached (6: no such host, 7: no connection),
# or it turned the request away. Timeouts (408), conflicts of a repetition (409), 5xx and broken connections say nothing of that.
case "$failure $status" in
  "6 "* | "7 "*) release "the provider was not reached" ;;
  "0 2"*) ;;
  "0 408" | "0 409") in_doubt "the provider answered $status" ;;
  "0 4"*) release "the provider answered $status" ;;
  "0 "*) in_doubt "the provider answered $status" ;;
  *) in_doubt "the provider's answer did not come" ;;
esac

count() { grep -o "\"$1\": *[0-9]*" "$work/reply" | grep -o '[0-9]*$' | head -n 1; }
input="$(count prompt_tokens)" && output="$(count completion_tokens)" || in_doubt "the answer does not say what it used"
status="$(ask "reservations/$hold/settle" '{"inputTokens":'"$input"',"outputTokens":'"$output"'}')"
[[ "$status" == 200 ]] || { echo "not settled: $status $(cat "$work/answer")" && exit 1; }
echo "settled: $input in, $output out, $(grep -o '"cost":"[^"]*"' "$work/answer" | head -n 1)"

// A budget around model calls, with the client that was made from the description: hold, call, settle.
import { createClient, createConfig } from './client/client/index.js';
import { release, reserve, settle } from './client/sdk.gen.js';
import type { Refusal } from './client/types.gen.js';

const account = process.env.ACCOUNT ?? 'sample-typescript';
const provider = process.env.PROVIDER_URL ?? 'https://api.openai.com';
const client = createClient(createConfig({
  baseUrl: process.env.PURSER_URL ?? 'http://127.0.0.1:8080', auth: () => process.env.PURSER_KEY,
}));

class Refused extends Error {
  constructor(readonly refusal: Refusal) { super(refusal.detail ?? refusal.title); }
}

/** Holds what a call may use, makes it, and books what it used. Without an answer of the budget the call is not made. */
async function withBudget(maxOutputTokens: number, call: () => Promise<Response>): Promise<string> {
  const id = crypto.randomUUID();
  const held = await reserve({
    client, path: { account }, body: { id, provider: 'openai', model: 'gpt-4o-mini', inputTokens: 200, maxOutputTokens },
  });
  if (held.response?.status === 429) throw new Refused(held.error as Refusal);
  if (!held.data) throw new Error(`the budget did not answer: ${JSON.stringify(held.error)}`);
  const path = { account, reservation: id };
  let mayHaveServed = true;
  try {
    const answer = await call().catch(thrown => {
      mayHaveServed = !notReached.includes(thrown.cause?.code);
      throw thrown;
    });
    mayHaveServed = !turnsAway(answer.status);
    if (!answer.ok) throw new Error(`the provider failed with ${answer.status}`);
    const reply = await answer.json();
    const booked = await settle({
      client, path, body: { provider: 'openai', model: reply.model, raw: reply.usage }, throwOnError: true,
    });
    return `${reply.choices[0].message.content} (${booked.data.tokens} tokens, ${booked.data.cost} ${booked.data.currency})`;
  } catch (broken) {
    // It may have cost anything: the larger of estimate and usage is booked. Where nobody can tell the budget, the hold runs out; a policy
    // with "holds": {"onExpiry": "charge"} books it then.
    if (mayHaveServed) await settle({ client, path, body: { outcome: 'unknown' } });
    // All of it goes back only where it is certain that the provider served nothing.
    else await release({ client, path });
    throw broken;
  }
}

const notReached = ['ECONNREFUSED', 'ENOTFOUND'];

/** Timeouts (408), conflicts of a repetition (409) and 5xx say nothing of what was served. */
const turnsAway = (status: number) => status >= 400 && status < 500 && status !== 408 && status !== 409;

const ask = (model: string) => () => fetch(`${provider}/v1/chat/completions`, {
  method: 'POST',
  headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${process.env.OPENAI_API_KEY ?? 'none'}` },
  body: JSON.stringify({ model, max_tokens: 300, messages: [{ role: 'user', content: 'Say hello.' }] }),
});

console.log('plain:', await withBudget(300, ask('gpt-4o-mini')));
for (const model of ['fails', 'refuses', 'drops'])
  await withBudget(300, ask(model)).catch(failed => console.log('failed:', failed.message));
await withBudget(1_000_000, ask('gpt-4o-mini')).catch(refused => console.log('refused:', refused.message,
  '| what would fit:', refused.refusal.suggestions.map((suggestion: { action: string }) => suggestion.action)));

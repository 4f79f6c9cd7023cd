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

/** Asks with the same id until there is an answer: what was done once is not done twice. None came where the connection or the body broke,
 * where a proxy answered, with 5xx, and where the key asks too often, which has the status of a refusal (429). */
async function again<Data>(ask: () => Promise<{ data?: Data; error?: unknown; response?: Response }>): Promise<Data> {
  for (let wait = 0.4; ; wait *= 2) {
    const { data, error, response } = await ask().catch(thrown => ({ data: undefined, error: thrown, response: undefined }));
    if (data && typeof data === 'object' && Object.keys(data).length > 0) return data;
    const said = error as { type?: string; detail?: string; title?: string; message?: string } | undefined;
    const isFinal = response && response.status < 500 && response.status !== 408 && String(said?.type).startsWith('urn:purser:problem:')
      && said?.type !== 'urn:purser:problem:rate-limited';
    if (isFinal && response.status === 429) throw new Refused(error as Refusal);
    if (isFinal || wait > 4)
      throw new Error(`the budget answers ${response?.status}: ${said?.detail ?? said?.title ?? said?.message ?? error ?? data}`);
    const after = Number(response?.headers.get('Retry-After')) || 0;
    await new Promise(done => setTimeout(done, 1000 * Math.max(wait, after)));
  }
}

/** Holds what a call may use, makes it, and books what it used. Without an answer of the budget the call is not made. */
async function withBudget(maxOutputTokens: number, call: () => Promise<Response>): Promise<string> {
  const id = crypto.randomUUID();
  const body = { id, provider: 'openai', model: 'gpt-4o-mini', inputTokens: 200, maxOutputTokens };
  await again(() => reserve({ client, path: { account }, body }));
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
    const booked = await again(() => settle({ client, path, body: { provider: 'openai', model: reply.model, raw: reply.usage } }));
    return `${reply.choices[0].message.content} (${booked.tokens} tokens, ${booked.cost} ${booked.currency})`;
  } catch (broken) {
    const untold = (why: Error) => console.error('the budget was not told:', why.message);
    // It may have cost anything: the larger of estimate and usage is booked. Where nobody can tell the budget, the hold runs out; a policy
    // with "holds": {"onExpiry": "charge"} books it then.
    if (mayHaveServed) await again(() => settle({ client, path, body: { outcome: 'unknown' } })).catch(untold);
    // All of it goes back only where it is certain that the provider served nothing.
    else await again(() => release({ client, path })).catch(untold);
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

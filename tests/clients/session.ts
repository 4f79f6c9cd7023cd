// A session and a refusal by a client whose types openapi-typescript made from the description.
import createClient from 'openapi-fetch';
import type { paths } from './v1';

const client = createClient<paths>({ baseUrl: process.env.PURSER_URL! });
const path = { account: process.env.ACCOUNT! };

const policy = await client.PUT('/v1/accounts/{account}/policy', {
  params: { path }, body: { limits: [{ id: 'daily', unit: 'tokens', window: 'day', amount: 1000 }] },
});
if (!policy.data) throw new Error(JSON.stringify(policy.error));

const held = await client.POST('/v1/accounts/{account}/reservations', {
  params: { path, header: { 'Idempotency-Key': 'h1' } }, body: { model: 'gpt-4o', inputTokens: 300, maxOutputTokens: 300 },
});
if (!held.data?.reservation) throw new Error(JSON.stringify(held.error));
console.log('held', held.data.reservation.tokens, held.data.limits[0]!.remaining);

const refused = await client.POST('/v1/accounts/{account}/reservations', {
  params: { path }, body: { id: 'h2', model: 'gpt-4o', inputTokens: 300, maxOutputTokens: 300 },
});
if (refused.response.status !== 429 || !refused.error || !('blockedBy' in refused.error)) throw new Error(JSON.stringify(refused));
console.log('refused', refused.error.blockedBy[0]!.limitId, refused.error.blockedBy[0]!.requested);

const settled = await client.POST('/v1/accounts/{account}/reservations/{reservation}/settle', {
  params: { path: { ...path, reservation: 'h1' } }, body: { inputTokens: 250, outputTokens: 100 },
});
if (!settled.data) throw new Error(JSON.stringify(settled.error));
console.log('settled', settled.data.tokens, settled.data.overrun);

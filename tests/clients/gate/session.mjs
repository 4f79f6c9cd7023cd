// The libraries of three providers through the gate: nothing is changed but their base address and key. Prints what each of them says, and at the
// end a digest of the bytes of each answer. With DIRECT it asks the provider itself, which must look the same.
import { createHash } from "node:crypto";
import OpenAI, { toFile } from "openai";
import Anthropic from "@anthropic-ai/sdk";
import { GoogleGenAI } from "@google/genai";

const direct = process.env.DIRECT || undefined;
const base = (name) => direct ?? `${process.env.GATE}-${name}`;
const poor = (name) => `${process.env.POOR}-${name}`;
const apiKey = process.env.KEY;
const picture = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==";

// Every library fetches by this one.
const answers = [];
const fetched = globalThis.fetch;
globalThis.fetch = async (...request) => {
  const response = await fetched(...request);
  if (response.ok) answers.push(response.clone().arrayBuffer().then(
    (bytes) => createHash("sha256").update(Buffer.from(bytes)).digest("hex").slice(0, 16), () => "was left"));
  return response;
};

const openai = new OpenAI({ apiKey, baseURL: `${base("openai")}/v1` });
const hi = { model: "gpt-4o-mini", max_tokens: 50, messages: [{ role: "user", content: "hi" }] };
const chat = await openai.chat.completions.create(hi);
console.log("openai", chat.choices[0].message.content, chat.usage.total_tokens);
let words = "";
let usage = "no usage";
for await (const chunk of await openai.chat.completions.create({ ...hi, stream: true })) {
  words += chunk.choices[0]?.delta?.content ?? "";
  if ("usage" in chunk) usage = "usage";
}
console.log("openai stream", words, usage);
const response = await openai.responses.create({ model: "gpt-4o-mini", max_output_tokens: 50, input: "hi" });
console.log("openai response", response.output_text, response.usage.total_tokens);
let deltas = "";
for await (const event of await openai.responses.create({ model: "gpt-4o-mini", max_output_tokens: 50, input: "hi", stream: true }))
  if (event.type === "response.output_text.delta") deltas += event.delta;
console.log("openai response stream", deltas);
const vectors = await openai.embeddings.create({ model: "text-embedding-3-small", input: "hi", encoding_format: "float" });
console.log("openai embedding", vectors.data[0].embedding.length);
const asked = await openai.chat.completions.create({ ...hi,
  tools: [{ type: "function", function: { name: "weather", parameters: { type: "object", properties: {} } } }] });
console.log("openai tool", asked.choices[0].message.tool_calls[0].function.name);
const seen = await openai.chat.completions.create({ ...hi, messages: [{ role: "user", content: [
  { type: "text", text: "what is it?" }, { type: "image_url", image_url: { url: `data:image/png;base64,${picture}` } }] }] });
console.log("openai image", seen.choices[0].message.content);
const painted = await openai.images.generate({ model: "gpt-image-1", prompt: "a cat", size: "1024x1024", quality: "low" });
console.log("openai picture", painted.data.length, painted.usage.output_tokens);
const transcript = await openai.audio.transcriptions.create({ model: "whisper-1", file: await toFile(Buffer.alloc(4000), "talk.mp3") });
console.log("openai transcript", transcript.text);
const speech = await openai.audio.speech.create({ model: "tts-1", voice: "alloy", input: "hello" });
console.log("openai speech", (await speech.arrayBuffer()).byteLength);
const hanging = await openai.chat.completions.create({ ...hi, stream: true, messages: [{ role: "user", content: "never end" }] });
for await (const chunk of hanging) {
  console.log("openai abort", chunk.choices[0].delta.content);
  hanging.controller.abort();
  break;
}
await told("openai", () => new OpenAI({ apiKey, baseURL: `${poor("openai")}/v1` }).chat.completions.create(hi));

const anthropic = new Anthropic({ apiKey, baseURL: base("anthropic") });
const hello = { model: "claude-sonnet-4-5", max_tokens: 50, messages: [{ role: "user", content: "hi" }] };
const message = await anthropic.messages.create(hello);
console.log("anthropic", message.content[0].text, message.usage.output_tokens);
const streamed = await anthropic.messages.stream(hello).finalMessage();
console.log("anthropic stream", streamed.content[0].text, streamed.usage.output_tokens);
const tools = [{ name: "weather", input_schema: { type: "object", properties: {} } }];
const used = await anthropic.messages.create({ ...hello, tools });
console.log("anthropic tool", used.content[0].name, used.stop_reason);
const usedInStream = await anthropic.messages.stream({ ...hello, tools }).finalMessage();
console.log("anthropic tool stream", usedInStream.content[0].name, JSON.stringify(usedInStream.content[0].input));
const looked = await anthropic.messages.create({ ...hello, messages: [{ role: "user", content: [
  { type: "image", source: { type: "base64", media_type: "image/png", data: picture } }, { type: "text", text: "what is it?" }] }] });
console.log("anthropic image", looked.content[0].text);
const endless = await anthropic.messages.create({ ...hello, stream: true, messages: [{ role: "user", content: "never end" }] });
for await (const event of endless) {
  if (event.type !== "content_block_delta") continue;
  console.log("anthropic abort", event.delta.text);
  endless.controller.abort();
  break;
}
await told("anthropic", () => new Anthropic({ apiKey, baseURL: poor("anthropic") }).messages.create(hello));

const google = new GoogleGenAI({ apiKey, httpOptions: { baseUrl: base("gemini") } });
const model = "gemini-2.5-flash";
const content = await google.models.generateContent({ model, contents: "hi", config: { maxOutputTokens: 50 } });
console.log("google", content.text, content.usageMetadata.totalTokenCount);
let parts = "";
for await (const chunk of await google.models.generateContentStream({ model, contents: "hi" })) parts += chunk.text ?? "";
console.log("google stream", parts);
const called = await google.models.generateContent({ model, contents: "hi", config: { maxOutputTokens: 50,
  tools: [{ functionDeclarations: [{ name: "weather", parameters: { type: "OBJECT", properties: {} } }] }] } });
console.log("google tool", called.functionCalls[0].name);
const shown = await google.models.generateContent({ model, config: { maxOutputTokens: 50 }, contents: [
  { role: "user", parts: [{ inlineData: { mimeType: "image/png", data: picture } }, { text: "what is it?" }] }] });
console.log("google image", shown.text);
const embedded = await google.models.embedContent({ model: "gemini-embedding-001", contents: "hi" });
console.log("google embedding", embedded.embeddings[0].values.length);
const leaving = new AbortController();
try {
  for await (const chunk of await google.models.generateContentStream({ model, contents: "never end",
    config: { abortSignal: leaving.signal } })) {
    console.log("google abort", chunk.text);
    leaving.abort();
  }
} catch (error) {
  if (!leaving.signal.aborted) throw error;
}
await told("google", () => new GoogleGenAI({ apiKey, httpOptions: { baseUrl: poor("gemini") } })
  .models.generateContent({ model, contents: "hi", config: { maxOutputTokens: 50 } }));
console.log("bytes", (await Promise.all(answers)).join(" "));

async function told(name, call) {
  if (direct) return;
  try {
    await call();
    console.log(name, "was not refused");
  } catch (error) {
    console.log(name, "refused", error.status, /Purser refuses this call/.test(error.message));
  }
}

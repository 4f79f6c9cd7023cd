// The libraries of three providers through the gate: nothing is changed but their base address. Prints what each of them says.
import OpenAI, { toFile } from "openai";
import Anthropic from "@anthropic-ai/sdk";
import { GoogleGenAI } from "@google/genai";

const gate = process.env.GATE;
const account = process.env.ACCOUNT;
const headers = { "X-Purser-Account": account };
const refused = { "X-Purser-Account": account + "-empty" };

const openai = new OpenAI({ apiKey: "provider-key", baseURL: `${gate}/openai-test/v1`, defaultHeaders: headers });
const chat = await openai.chat.completions.create({ model: "gpt-4o-mini", max_tokens: 50, messages: [{ role: "user", content: "hi" }] });
console.log("openai", chat.choices[0].message.content, chat.usage.total_tokens);
let words = "";
let usage = "no usage";
for await (const chunk of await openai.chat.completions.create(
  { model: "gpt-4o-mini", stream: true, max_tokens: 50, messages: [{ role: "user", content: "hi" }] })) {
  words += chunk.choices[0]?.delta?.content ?? "";
  if ("usage" in chunk) usage = "usage";
}
console.log("openai stream", words, usage);
const vectors = await openai.embeddings.create({ model: "text-embedding-3-small", input: "hi", encoding_format: "float" });
console.log("openai embedding", vectors.data[0].embedding.length);
const asked = await openai.chat.completions.create({ model: "gpt-4o-mini", max_tokens: 50, messages: [{ role: "user", content: "hi" }],
  tools: [{ type: "function", function: { name: "weather", parameters: { type: "object", properties: {} } } }] });
console.log("openai tool", asked.choices[0].message.tool_calls[0].function.name);
const picture = await openai.images.generate({ model: "gpt-image-1", prompt: "a cat", size: "1024x1024", quality: "low" });
console.log("openai picture", picture.data.length, picture.usage.output_tokens);
const transcript = await openai.audio.transcriptions.create({ model: "whisper-1", file: await toFile(Buffer.alloc(4000), "talk.mp3") });
console.log("openai transcript", transcript.text);
const speech = await openai.audio.speech.create({ model: "tts-1", voice: "alloy", input: "hello" });
console.log("openai speech", (await speech.arrayBuffer()).byteLength);
const hanging = await openai.chat.completions.create(
  { model: "gpt-4o-mini", stream: true, max_tokens: 50, messages: [{ role: "user", content: "never end" }] });
for await (const chunk of hanging) {
  console.log("openai abort", chunk.choices[0].delta.content);
  hanging.controller.abort();
  break;
}
await told("openai", () => new OpenAI({ apiKey: "k", baseURL: `${gate}/openai-test/v1`, defaultHeaders: refused })
  .chat.completions.create({ model: "gpt-4o-mini", max_tokens: 50, messages: [{ role: "user", content: "hi" }] }));

const anthropic = new Anthropic({ apiKey: "provider-key", baseURL: `${gate}/anthropic-test`, defaultHeaders: headers });
const message = await anthropic.messages.create({ model: "claude-sonnet-4-5", max_tokens: 50, messages: [{ role: "user", content: "hi" }] });
console.log("anthropic", message.content[0].text, message.usage.output_tokens);
const streamed = await anthropic.messages.stream({ model: "claude-sonnet-4-5", max_tokens: 50, messages: [{ role: "user", content: "hi" }] })
  .finalMessage();
console.log("anthropic stream", streamed.content[0].text, streamed.usage.output_tokens);
await told("anthropic", () => new Anthropic({ apiKey: "k", baseURL: `${gate}/anthropic-test`, defaultHeaders: refused })
  .messages.create({ model: "claude-sonnet-4-5", max_tokens: 50, messages: [{ role: "user", content: "hi" }] }));

const google = new GoogleGenAI({ apiKey: "provider-key", httpOptions: { baseUrl: `${gate}/gemini-test`, headers } });
const content = await google.models.generateContent({ model: "gemini-2.5-flash", contents: "hi", config: { maxOutputTokens: 50 } });
console.log("google", content.text, content.usageMetadata.totalTokenCount);
let parts = "";
for await (const chunk of await google.models.generateContentStream({ model: "gemini-2.5-flash", contents: "hi" })) parts += chunk.text ?? "";
console.log("google stream", parts);
await told("google", () => new GoogleGenAI({ apiKey: "k", httpOptions: { baseUrl: `${gate}/gemini-test`, headers: refused } })
  .models.generateContent({ model: "gemini-2.5-flash", contents: "hi", config: { maxOutputTokens: 50 } }));

async function told(name, call) {
  try {
    await call();
    console.log(name, "was not refused");
  } catch (error) {
    console.log(name, "refused", error.status, /Purser refuses this call/.test(error.message));
  }
}

// rate-limiter-flexible as its documentation shows it, asked by lines: `NUMBER VERB ACCOUNT TOKENS` is answered with `NUMBER RESULT`.
import { createInterface } from "node:readline";
import Redis from "ioredis";
import { RateLimiterRedis } from "rate-limiter-flexible";

const storeClient = new Redis(Number(process.argv[2]), "127.0.0.1", { enableOfflineQueue: false });
storeClient.on("error", () => {});
// A limiter has one limit: an account with another one has a limiter of its own.
const limiters = new Map();

async function answer(verb, account, tokens) {
  if (verb === "limit") {
    limiters.set(account, new RateLimiterRedis({ storeClient, keyPrefix: "limiter", points: tokens, duration: 24 * 3600 }));
    return 1;
  }
  const limiter = limiters.get(account);
  switch (verb) {
    case "admit":
      try {
        await limiter.consume(account, tokens);
        return 1;
      } catch (refused) {
        if (refused instanceof Error) throw refused;
        return 0;
      }
    case "counted":
      return (await limiter.get(account))?.consumedPoints ?? 0;
  }
}

storeClient.once("ready", () => {
  console.log("ready");
  createInterface({ input: process.stdin }).on("line", async (line) => {
    const [number, verb, account, tokens] = line.split(" ");
    try {
      console.log(`${number} ${await answer(verb, account, Number(tokens))}`);
    } catch (error) {
      console.log(`${number} failed: ${error.message}`);
    }
  });
});
process.stdin.on("end", () => process.exit());

// Verifies messages as a receiver would, by the library of Standard Webhooks: each argument is a file with headers, body and secret.
import { readFileSync } from "node:fs";
import { Webhook } from "standardwebhooks";

for (const file of process.argv.slice(2)) {
  const { headers, body, secret } = JSON.parse(readFileSync(file, "utf8"));
  try {
    const event = new Webhook(secret).verify(Buffer.from(body, "base64").toString("utf8"), headers);
    console.log(`verified ${event.type}`);
  } catch (wrong) {
    console.log(`refused: ${wrong.message}`);
  }
}

// Sends payments, one JSON object a line on standard input, to the queue that PAYMENTS_QUEUE_URL names.
//
//     npm install @aws-sdk/client-sqs
//     node producer.mjs < payments.ndjson

import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { SendMessageBatchCommand, SQSClient } from "@aws-sdk/client-sqs";

const TRIES = 5;

// Sends them, ten a call. Returns those that the queue did not take, each with why.
async function send(sqs, queueUrl, payments) {
  const refused = [];
  for (let start = 0; start < payments.length; start += 10) {
    let waiting = new Map(payments.slice(start, start + 10).map((payment, number) => [String(number), payment]));
    for (let tried = 0; tried < TRIES && waiting.size > 0; tried += 1) {
      if (tried > 0) await sleep(2 ** tried * 100);
      const Entries = [...waiting].map(([Id, payment]) => ({ Id, MessageBody: JSON.stringify(payment) }));
      // The call succeeds although some of it failed: whoever does not look at Failed loses payments.
      const { Failed = [] } = await sqs.send(new SendMessageBatchCommand({ QueueUrl: queueUrl, Entries }));
      // What is sent once more is the same message with the same payment_id, so it is charged once at most.
      const again = new Map();
      for (const { Id, SenderFault, Message } of Failed) {
        if (SenderFault) refused.push([waiting.get(Id), Message]);
        else again.set(Id, waiting.get(Id));
      }
      waiting = again;
    }
    for (const payment of waiting.values()) refused.push([payment, `not taken in ${TRIES} tries`]);
  }
  return refused;
}

// Where payment_id was made does not matter, as long as it was once: with the order, not with the attempt to send it.
const lines = readFileSync(0, "utf8").split("\n").filter((line) => line.trim());
const payments = lines.map((line) => JSON.parse(line));
const refused = await send(new SQSClient({}), process.env.PAYMENTS_QUEUE_URL, payments);
for (const [payment, why] of refused) console.error(`${payment.payment_id} was not sent: ${why}`);
console.log(`${payments.length - refused.length} sent`);
process.exitCode = refused.length > 0 ? 1 : 0;

// The official Node SDK against `cargo chaos stripe`: unchanged but for its base address. Usage: with_node.mjs PORT
import assert from 'node:assert/strict';
import {createRequire} from 'node:module';

const Stripe = createRequire(`${process.env.SDK_PREFIX}/`)('stripe');
const port = Number(process.argv[2]);
const base = `http://127.0.0.1:${port}`;
const payments = 60;

const client = (key = 'sk_test_123', retries = 0) =>
  new Stripe(key, {host: '127.0.0.1', port, protocol: 'http', maxNetworkRetries: retries, telemetry: false});

const chaos = async (method, path, wanted) =>
  (await fetch(`${base}/chaos/${path}`, {method, body: wanted && JSON.stringify(wanted)})).json();

const params = (payment, method = 'pm_card_visa') => ({
  amount: 1999,
  currency: 'eur',
  payment_method: method,
  payment_method_types: ['card'],
  metadata: {payment_id: payment},
});

const confirm = {off_session: true};

async function refused(kind, call) {
  const error = await call().then(() => assert.fail(`no ${kind}`), (error) => error);
  assert.equal(error.type, kind, error.message);
  return error;
}

async function fiveCalls() {
  const intents = client().paymentIntents;
  const made = await intents.create(params('js-1'));
  assert.deepEqual([made.status, made.livemode], ['requires_confirmation', false]);
  assert.equal((await intents.confirm(made.id, confirm)).status, 'succeeded');
  assert.equal((await intents.retrieve(made.id)).amount_received, 1999);
  const dropped = await intents.create(params('js-2'));
  assert.equal((await intents.cancel(dropped.id)).status, 'canceled');
  for (let number = 0; number < 5; number++) await intents.create(params(`js-list-${number}`));
  const listed = [];
  for await (const intent of intents.list({limit: 2})) listed.push(intent.id);
  assert.equal(new Set(listed).size, listed.length);
  assert.ok(listed.includes(made.id) && listed.includes(dropped.id));
}

async function typedErrors() {
  const intents = client().paymentIntents;
  const card = await intents.create(params('js-3', 'pm_card_chargeDeclinedInsufficientFunds'));
  const declined = await refused('StripeCardError', () => intents.confirm(card.id, confirm));
  assert.deepEqual([declined.code, declined.decline_code], ['card_declined', 'insufficient_funds']);
  const key = {idempotencyKey: 'js-one-key'};
  await intents.create(params('js-4'), key);
  await refused('StripeIdempotencyError', () => intents.create({...params('js-4'), amount: 2000}, key));
  const unknown = await refused('StripeInvalidRequestError', () => intents.retrieve('pi_nobody'));
  assert.deepEqual([unknown.statusCode, unknown.code], [404, 'resource_missing']);
  await refused('StripeAuthenticationError', () => client('sk_live_123').paymentIntents.create(params('js-5')));
  const fault = await chaos('POST', 'faults', {kind: 'stripe-throttled', rate: 1, operations: ['create']});
  await refused('StripeRateLimitError', () => intents.create(params('js-6')));
  await chaos('DELETE', `faults/${fault.id}`);
}

// The SDK's own retries, three answers in ten lost.
async function neverTwice() {
  await chaos('POST', 'faults', {kind: 'stripe-lost-answer', rate: 0.3});
  const intents = client('sk_test_123', 8).paymentIntents;
  let next = 0;
  const worker = async () => {
    while (next < payments) {
      const number = next++;
      const payment = `js-lost-${number}`;
      // In two calls, or in one that its key alone keeps from being a second payment.
      const atOnce = number % 2 ? {confirm: true, ...confirm} : {};
      let done = await intents.create({...params(payment), ...atOnce}, {idempotencyKey: `${payment}:create`});
      if (number % 2 === 0) {
        done = await intents.confirm(done.id, confirm, {idempotencyKey: `${payment}:confirm`});
      }
      assert.equal(done.status, 'succeeded');
    }
  };
  // A few side by side: more would meet the limit of 25 calls a second that an endpoint has.
  await Promise.all(Array.from({length: 4}, worker));
  const lost = (await chaos('GET', 'faults')).faults[0].fired;
  await chaos('DELETE', 'faults');
  const book = await chaos('GET', 'book');
  const charged = book.movements.map((it) => it.payment).filter((it) => it.startsWith('js-lost-'));
  assert.deepEqual(book.charged_twice, {});
  assert.equal(new Set(charged).size, charged.length);
  assert.equal(charged.length, payments);
  assert.ok(lost > 0, 'no answer was lost: nothing was shown');
  return lost;
}

await fiveCalls();
await typedErrors();
const lost = await neverTwice();
console.log(`stripe-node ${Stripe.PACKAGE_VERSION}: ${payments} payments, ${lost} answers lost, none charged twice`);

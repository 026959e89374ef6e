// The consumer's duties as AWS advises to write them for Node: a batch from SQS, each payment once by an idempotency
// record in DynamoDB, two calls to Stripe, the failed ones named in the answer; a log line a payment, metrics a batch.
import {BatchProcessor, EventType, processPartialResponse} from '@aws-lambda-powertools/batch';
import {IdempotencyConfig, makeIdempotent} from '@aws-lambda-powertools/idempotency';
import {DynamoDBPersistenceLayer} from '@aws-lambda-powertools/idempotency/dynamodb';
import {Logger} from '@aws-lambda-powertools/logger';
import {Metrics, MetricUnit} from '@aws-lambda-powertools/metrics';
import {getSecret} from '@aws-lambda-powertools/parameters/secrets';
import Stripe from 'stripe';

const logger = new Logger();
const metrics = new Metrics();
const processor = new BatchProcessor(EventType.SQS);
const persistenceStore = new DynamoDBPersistenceLayer({tableName: process.env.IDEMPOTENCY_TABLE});
const config = new IdempotencyConfig({eventKeyJmesPath: 'payment_id', throwOnNoIdempotencyKey: true});

let intents;

export async function start() {
  const base = new URL(process.env.STRIPE_API_BASE);
  const key = await getSecret(process.env.STRIPE_SECRET_ARN);
  const place = {protocol: base.protocol.slice(0, -1), host: base.hostname, port: base.port || undefined};
  intents = new Stripe(key, {...place, maxNetworkRetries: 0, telemetry: false}).paymentIntents;
}

function read(body) {
  const payment = JSON.parse(body);
  const {payment_id: id, amount, currency, payment_method: method} = payment;
  if (typeof id !== 'string' || id === '') throw new Error('payment_id is missing');
  if (!Number.isInteger(amount) || amount < 1) throw new Error('amount is no whole number from 1');
  if (!/^[a-z]{3}$/.test(currency)) throw new Error('currency is no code of three letters');
  if (typeof method !== 'string' || method === '') throw new Error('payment_method is missing');
  return payment;
}

async function charge({payment_id, amount, currency, payment_method}) {
  const asked = {amount, currency, payment_method, payment_method_types: ['card'], metadata: {payment_id}};
  const made = await intents.create(asked, {idempotencyKey: `create-${payment_id}`});
  const {id, status} = await intents.confirm(made.id, {off_session: true});
  if (status !== 'succeeded') throw new Error(`${payment_id} is ${status}`);
  return {id, status};
}

const chargeOnce = makeIdempotent(charge, {persistenceStore, config});

async function settle(record) {
  const payment = read(record.body);
  const {id, status} = await chargeOnce(payment);
  metrics.addMetric('PaymentsSettled', MetricUnit.Count, 1);
  logger.info('settled', {payment_id: payment.payment_id, intent: id, status});
}

export async function handler(event, context) {
  config.registerLambdaContext(context);
  logger.addContext(context);
  const answer = await processPartialResponse(event, settle, processor, {context, throwOnFullBatchFailure: false});
  metrics.publishStoredMetrics();
  return answer;
}

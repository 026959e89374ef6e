"""The consumer's duties as AWS advises to write them for Python: a batch from SQS, each payment once by an idempotency
record in DynamoDB, two calls to Stripe, the failed ones named in the answer; a log line a payment, metrics a batch."""

import json
import os
import re

import stripe
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities import parameters
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent_function,
)

logger = Logger()
metrics = Metrics()
processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)
persistence = DynamoDBPersistenceLayer(table_name=os.environ["IDEMPOTENCY_TABLE"])
config = IdempotencyConfig(event_key_jmespath="payment_id", raise_on_no_idempotency_key=True)
intents = stripe.StripeClient(
    parameters.get_secret(os.environ["STRIPE_SECRET_ARN"]),
    base_addresses={"api": os.environ["STRIPE_API_BASE"]},
    max_network_retries=0,
).v1.payment_intents


def read(body):
    payment = json.loads(body)
    if not isinstance(payment.get("payment_id"), str) or not payment["payment_id"]:
        raise ValueError("payment_id is missing")
    if type(payment.get("amount")) is not int or payment["amount"] < 1:
        raise ValueError("amount is no whole number from 1")
    if not re.fullmatch("[a-z]{3}", payment.get("currency", "")):
        raise ValueError("currency is no code of three letters")
    if not isinstance(payment.get("payment_method"), str) or not payment["payment_method"]:
        raise ValueError("payment_method is missing")
    return payment


@idempotent_function(data_keyword_argument="payment", persistence_store=persistence, config=config)
def charge_once(payment):
    name = payment["payment_id"]
    asked = {
        "amount": payment["amount"],
        "currency": payment["currency"],
        "payment_method": payment["payment_method"],
        "payment_method_types": ["card"],
        "metadata": {"payment_id": name},
    }
    made = intents.create(asked, options={"idempotency_key": f"create-{name}"})
    intent = intents.confirm(made.id, {"off_session": True})
    if intent.status != "succeeded":
        raise RuntimeError(f"{name} is {intent.status}")
    return {"id": intent.id, "status": intent.status}


def settle(record):
    payment = read(record.body)
    settled = charge_once(payment=payment)
    metrics.add_metric("PaymentsSettled", MetricUnit.Count, 1)
    logger.info("settled", payment_id=payment["payment_id"], intent=settled["id"], status=settled["status"])


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event, context):
    config.register_lambda_context(context)
    return process_partial_response(event, settle, processor, context)

"""The official Python SDK against `cargo chaos stripe`: unchanged but for its base address.

What the fake believes of Stripe is held to a client that Stripe wrote. Usage: with_python.py PORT
"""

import json
import sys
import urllib.request

import stripe

PORT = int(sys.argv[1])
BASE = f"http://127.0.0.1:{PORT}"
PAYMENTS = 40


def client(key="sk_test_123", retries=0):
    return stripe.StripeClient(key, base_addresses={"api": BASE}, max_network_retries=retries)


def chaos(method, path, wanted=None):
    body = None if wanted is None else json.dumps(wanted).encode()
    request = urllib.request.Request(f"{BASE}/chaos/{path}", body, method=method)
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def params(payment, method="pm_card_visa"):
    return {
        "amount": 1999,
        "currency": "eur",
        "payment_method": method,
        "payment_method_types": ["card"],
        "metadata": {"payment_id": payment},
    }


CONFIRM = {"off_session": True}


def refused(kind, call):
    try:
        call()
    except stripe.StripeError as error:
        assert type(error) is kind, f"{type(error).__name__} instead of {kind.__name__}: {error}"
        return error
    raise AssertionError(f"no {kind.__name__}")


def five_calls():
    intents = client().v1.payment_intents
    made = intents.create(params("py-1"))
    assert (made.status, made.livemode) == ("requires_confirmation", False), made
    assert intents.confirm(made.id, CONFIRM).status == "succeeded"
    assert intents.retrieve(made.id).amount_received == 1999
    dropped = intents.create(params("py-2"))
    assert intents.cancel(dropped.id).status == "canceled"
    for number in range(5):
        intents.create(params(f"py-list-{number}"))
    listed = [intent.id for intent in intents.list({"limit": 2}).auto_paging_iter()]
    assert len(listed) == len(set(listed)) and {made.id, dropped.id} <= set(listed), listed


def typed_errors():
    intents = client().v1.payment_intents
    card = intents.create(params("py-3", "pm_card_chargeDeclinedInsufficientFunds"))
    declined = refused(stripe.CardError, lambda: intents.confirm(card.id, CONFIRM))
    assert (declined.code, declined.error.decline_code) == ("card_declined", "insufficient_funds")
    key = {"idempotency_key": "py-one-key"}
    intents.create(params("py-4"), key)
    refused(stripe.IdempotencyError, lambda: intents.create({**params("py-4"), "amount": 2000}, key))
    unknown = refused(stripe.InvalidRequestError, lambda: intents.retrieve("pi_nobody"))
    assert (unknown.http_status, unknown.code) == (404, "resource_missing")
    refused(stripe.AuthenticationError, lambda: client("sk_live_123").v1.payment_intents.create(params("py-5")))
    fault = chaos("POST", "faults", {"kind": "stripe-throttled", "rate": 1, "operations": ["create"]})
    refused(stripe.RateLimitError, lambda: intents.create(params("py-6")))
    chaos("DELETE", f"faults/{fault['id']}")


def never_twice():
    """The SDK's own retries, three answers in ten lost."""
    chaos("POST", "faults", {"kind": "stripe-lost-answer", "rate": 0.3})
    intents = client(retries=8).v1.payment_intents
    for number in range(PAYMENTS):
        payment = f"py-lost-{number}"
        # In two calls, or in one that its key alone keeps from being a second payment.
        at_once = {"confirm": True, **CONFIRM} if number % 2 else {}
        done = intents.create(params(payment) | at_once, {"idempotency_key": f"{payment}:create"})
        if not at_once:
            done = intents.confirm(done.id, CONFIRM, {"idempotency_key": f"{payment}:confirm"})
        assert done.status == "succeeded", done
    lost = chaos("GET", "faults")["faults"][0]["fired"]
    chaos("DELETE", "faults")
    book = chaos("GET", "book")
    charged = [it["payment"] for it in book["movements"] if it["payment"].startswith("py-lost-")]
    assert not book["charged_twice"], book["charged_twice"]
    assert sorted(set(charged)) == sorted(charged) and len(charged) == PAYMENTS, len(charged)
    assert lost > 0, "no answer was lost: nothing was shown"
    return lost


five_calls()
typed_errors()
lost = never_twice()
print(f"stripe-python {stripe.VERSION}: {PAYMENTS} payments, {lost} answers lost, none charged twice")

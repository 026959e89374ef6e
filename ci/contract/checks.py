"""What the client and the fake Stripe are held to, one check after the other.

Invariant: a check reads what the two said of themselves and what the SDK's types say, and keeps no list of its own but
`BEYOND_THE_SDK`, every entry of which has its source.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from contract.fit import misfits, misfits_of_record, unfolded
from contract.sdk import Record, Sdk, Type, Word

# Codes that Stripe documents and that no release of the SDK lists, each with where it is documented.
BEYOND_THE_SDK = {
    "payment_method_types_no_longer_supported": "https://docs.stripe.com/changelog/endive/2026-09-30/"
    "removes-the-payment-method-types-parameter-from-payment-intents-and-setup-intents",
}

INTENT, CHARGE = "stripe._payment_intent", "stripe._charge"


@dataclass(frozen=True)
class Evidence:
    """What the Rust side says of itself."""

    # `STRIPE_VERSION`.
    pin: str
    # Every request that the client can send.
    requests: list[dict]
    # Every code on which the client decides.
    client_codes: list[str]
    # Every parameter that a call of the fake takes, with its first version and, if it is gone, the first without it.
    taken: list[dict] = field(default_factory=list)
    # Every answer that the fake can give, with the request it answers.
    answers: list[dict] = field(default_factory=list)


@dataclass(frozen=True)
class Check:
    """One thing to be held to: what it is called, and what is wrong with it."""

    title: str
    faults: Callable[[Evidence, Sdk], Iterator[str]]


def the_pin(evidence: Evidence, sdk: Sdk) -> Iterator[str]:
    if evidence.pin != sdk.api_version:
        yield f"STRIPE_VERSION is {evidence.pin}; {sdk} speaks {sdk.api_version}"
    for request in calls(evidence):
        if request["version"] != evidence.pin:
            yield f"{request['call']} goes under {request['version']}, the pin is {evidence.pin}"


def the_endpoints(evidence: Evidence, sdk: Sdk) -> Iterator[str]:
    for request in calls(evidence):
        if sdk.endpoint(request["method"], request["path"]) is None:
            yield f"{request['call']}: {sdk} never calls {request['method']} {request['path']}"


def the_parameters(evidence: Evidence, sdk: Sdk) -> Iterator[str]:
    for request in calls(evidence):
        if endpoint := sdk.endpoint(request["method"], request["path"]):
            for misfit in misfits(unfolded(request["parameters"]), endpoint.parameters, ""):
                yield f"{request['call']} ({endpoint.name}): {misfit}"


def the_table(evidence: Evidence, sdk: Sdk) -> Iterator[str]:
    """What the fake takes under the SDK's version is what the SDK knows: nothing less and nothing more."""
    calls_taking = {(each["method"], each["path"]): set() for each in evidence.taken}
    for each in evidence.taken:
        if each["since"] <= sdk.api_version and not (each["until"] and each["until"] <= sdk.api_version):
            calls_taking[each["method"], each["path"]].add(each["name"])
    for call, names in calls_taking.items():
        endpoint = sdk.endpoint(*call)
        known = {name for record in records(endpoint.parameters) for name in record.fields}
        yield from (
            f"{endpoint.name}: the fake takes {name}, and {sdk} does not know it" for name in sorted(names - known)
        )
        yield from (f"{endpoint.name}: the fake refuses {name}, and {sdk} knows it" for name in sorted(known - names))


def the_acceptance(evidence: Evidence, sdk: Sdk) -> Iterator[str]:
    """Where the fake does what it is asked, the request is one that the SDK could make."""
    for answer in evidence.answers:
        endpoint = sdk.endpoint(answer["method"], answer["path"])
        if answer["status"] == 200:
            for misfit in misfits(unfolded(answer["parameters"]), endpoint.parameters, ""):
                yield f"{endpoint.name} does not refuse that {misfit}"


def the_answers(evidence: Evidence, sdk: Sdk) -> Iterator[str]:
    for answer in evidence.answers:
        endpoint = sdk.endpoint(answer["method"], answer["path"])
        where = f"{endpoint.name if endpoint else answer['path']} {answer['status']}"
        match answer["body"]:
            case {"error": error, **others}:
                yield from (f"{where}: {name} beside error" for name in others)
                yield from (f"{where}: {misfit}" for misfit in misfits_of_error(error, sdk))
            case dict() as body if endpoint:
                yield from (f"{where}: {misfit}" for misfit in misfits(body, endpoint.answer, ""))
            case dict():
                yield f"{where}: an object from where {sdk} knows no call"


def the_nulls(evidence: Evidence, sdk: Sdk) -> Iterator[str]:
    """The API leaves out of an error what is null: a comment in stripe/_error_object.py says so, and no type can."""
    for error in errors(evidence):
        yield from (f"{name} of an error is null" for name, value in error.items() if value is None)


def the_statuses(evidence: Evidence, sdk: Sdk) -> Iterator[str]:
    """The other way round: whatever an intent can be, the fake has shown, or its answers were not all driven."""
    seen = {intent["status"] for intent in intents(evidence)}
    for status in words(sdk.record(INTENT, "PaymentIntent").fields["status"]) - seen:
        yield f"no answer shows an intent that is {status}"


def the_codes(evidence: Evidence, sdk: Sdk) -> Iterator[str]:
    known = words(sdk.record(INTENT, "PaymentIntent.LastPaymentError").fields["code"])
    fakes = {error["code"] for error in errors(evidence) if "code" in error}
    for who, codes in (("the client", evidence.client_codes), ("the fake", fakes)):
        for code in sorted(set(codes) - known - BEYOND_THE_SDK.keys()):
            yield f"{who} knows an error code {code}, and {sdk} does not"
    for code in sorted(BEYOND_THE_SDK.keys() & known | BEYOND_THE_SDK.keys() - fakes - set(evidence.client_codes)):
        yield f"{code} need not be excused any more: {sdk} lists it, or nobody uses it"


def the_advice(evidence: Evidence, sdk: Sdk) -> Iterator[str]:
    """An error types its advice as any text; a charge's outcome, which repeats it, lists the words."""
    known = words(sdk.record(CHARGE, "Charge.Outcome").fields["advice_code"])
    for advice in sorted({error["advice_code"] for error in errors(evidence) if "advice_code" in error} - known):
        yield f"the fake gives the advice {advice}; accepted: {', '.join(sorted(known))}"


# What is wrong here is wrong whatever the fake says; it may not even get that far.
OF_THE_CLIENT = [
    Check("the pin is the version that the SDK speaks, and every call goes under it", the_pin),
    Check("every call of the client is one of the SDK's", the_endpoints),
    Check("every parameter sent is the SDK's, with a value it takes; none that is required is missing", the_parameters),
]

OF_BOTH = [
    Check("every error code of client and fake is in the SDK's list", the_codes),
    Check("the fake takes, under this version, the parameters that the SDK knows, and no other", the_table),
    Check("the fake does nothing that it is asked in a way in which the SDK cannot ask", the_acceptance),
    Check("every answer has declared fields and listed values alone; none that is required is missing", the_answers),
    Check("no error shows a field that is null", the_nulls),
    Check("intents of every status are among the answers", the_statuses),
    Check("every advice code of the fake is in the SDK's list", the_advice),
]


def calls(evidence: Evidence) -> list[dict]:
    """The requests that ask for something. The one that only opens a connection asks as nobody, for nothing."""
    return [request for request in evidence.requests if request["authorized"]]


def misfits_of_error(error: dict, sdk: Sdk) -> Iterator[str]:
    """Held to the class of an intent's last error: the same object, and it lists words where `ErrorObject` does not."""
    coded = {name: value for name, value in error.items() if name != "code"}
    yield from misfits_of_record(coded, sdk.record(INTENT, "PaymentIntent.LastPaymentError"), "error")


def errors(evidence: Evidence) -> Iterator[dict]:
    """Every error object, also those that intents carry."""
    yield from (answer["body"]["error"] for answer in evidence.answers if "error" in (answer["body"] or {}))
    yield from (intent["last_payment_error"] for intent in intents(evidence) if intent.get("last_payment_error"))


def intents(evidence: Evidence) -> Iterator[dict]:
    for answer in evidence.answers:
        yield from intents_in(answer)


def intents_in(answer: dict) -> Iterator[dict]:
    """Every intent in an answer, wherever it stands."""
    match answer["body"]:
        case {"object": "payment_intent"} as intent:
            yield intent
        case {"data": [*several]}:
            yield from several
        case {"error": {"payment_intent": dict() as intent}}:
            yield intent


def records(type_: Type) -> list[Record]:
    return [each for each in type_.alternatives if isinstance(each, Record)]


def words(type_: Type) -> set[str]:
    return {each.text for each in type_.alternatives if isinstance(each, Word)}

"""Evidence with one fault put into it, for every sort of fault: what proves, in each run, that the checks can fail.

Invariant: a fault put into evidence is found by the check it is meant for, and by the word that names it.
"""

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, replace

from contract.checks import (
    Evidence,
    intents_in,
    the_acceptance,
    the_advice,
    the_answers,
    the_codes,
    the_endpoints,
    the_nulls,
    the_parameters,
    the_pin,
    the_statuses,
    the_table,
)
from contract.sdk import Sdk

Doctor = Callable[[Evidence], Evidence]

MISSING = object()


@dataclass(frozen=True)
class Doctored:
    """A fault: what it is, the check that has to find it, the word it is found by, and how it is put in."""

    fault: str
    check: Callable[[Evidence, Sdk], Iterator[str]]
    word: str
    doctor: Doctor

    def is_found(self, evidence: Evidence, sdk: Sdk) -> bool:
        return any(self.word in fault for fault in self.check(self.doctor(evidence), sdk))


def call(name: str, **changes: object) -> Doctor:
    """Adds a request of a call, changed."""
    return lambda evidence: replace(evidence, requests=[first(evidence, name) | changes, *evidence.requests])


def sending(name: str, parameter: str, value: object) -> Doctor:
    """Adds a request of a call, with a parameter set or taken out."""

    def doctor(evidence: Evidence) -> Evidence:
        others = [[known, sent] for known, sent in first(evidence, name)["parameters"] if known != parameter]
        return call(name, parameters=others if value is MISSING else [*others, [parameter, value]])(evidence)

    return doctor


def answering(path: str, value: object) -> Doctor:
    """Adds the first answer in which there is what the path leads through, with a field set or taken out."""
    *outer, last = path.split(".")

    def is_place(place: object) -> bool:
        return isinstance(place, dict) and (value is not MISSING or last in place)

    def doctor(evidence: Evidence) -> Evidence:
        answers = (answer for answer in evidence.answers if is_place(inside(answer["body"], outer)))
        answer = deepcopy(next(answers))
        place = inside(answer["body"], outer)
        if value is MISSING:
            del place[last]
        else:
            place[last] = value
        return replace(evidence, answers=[answer, *evidence.answers])

    return doctor


def taking(name: str) -> Doctor:
    return lambda evidence: replace(evidence, taken=[*evidence.taken, evidence.taken[0] | {"name": name}])


def never_taking(name: str) -> Doctor:
    return lambda evidence: replace(evidence, taken=[each for each in evidence.taken if each["name"] != name])


def since(name: str, version: str) -> Doctor:
    def later(each: dict) -> dict:
        return each | {"since": version} if each["name"] == name else each

    return lambda evidence: replace(evidence, taken=[later(each) for each in evidence.taken])


def asked(parameter: str, value: str) -> Doctor:
    """Adds an answer to a request that the fake did something about, with another value of a parameter."""

    def doctor(evidence: Evidence) -> Evidence:
        answer = next(each for each in evidence.answers if each["status"] == 200 and each["parameters"])
        parameters = [[name, value if name == parameter else sent] for name, sent in answer["parameters"]]
        return replace(evidence, answers=[answer | {"parameters": parameters}, *evidence.answers])

    return doctor


def never_showing(status: str) -> Doctor:
    def doctor(evidence: Evidence) -> Evidence:
        shown = [answer for answer in evidence.answers if not is_about(answer, status)]
        return replace(evidence, answers=shown)

    return doctor


def first(evidence: Evidence, name: str) -> dict:
    return next(request for request in evidence.requests if request["call"] == name)


def inside(body: object, path: list[str]) -> object:
    """What the path leads to; of a list the first item, whatever the step is called."""
    for step in path:
        match body:
            case dict():
                body = body.get(step)
            case [first, *_]:
                body = first
            case _:
                return None
    return body


def is_about(answer: dict, status: str) -> bool:
    return any(intent["status"] == status for intent in intents_in(answer))


DOCTORED = [
    Doctored("another pin", the_pin, "speaks", lambda evidence: replace(evidence, pin="2026-09-30.endive")),
    Doctored("a call under no version", the_pin, "cancel", call("cancel", version=None)),
    Doctored("a misspelt path", the_endpoints, "/v1/balances", call("probe", path="/v1/balances")),
    Doctored("a misspelt parameter", the_parameters, "amuont", sending("create", "amuont", "1")),
    Doctored(
        "one inside another", the_parameters, "methods.on", sending("create", "automatic_payment_methods[on]", "true")
    ),
    Doctored("a parameter of another call", the_parameters, "amount", sending("confirm", "amount", "1")),
    Doctored("a parameter left out", the_parameters, "currency is missing", sending("create", "currency", MISSING)),
    Doctored("a value no parameter takes", the_parameters, "'maybe'", sending("confirm", "off_session", "maybe")),
    Doctored("a parameter that is unheard of", the_table, "takes quantity", taking("quantity")),
    Doctored("a parameter that the fake refuses", the_table, "refuses amount", never_taking("amount")),
    Doctored("one that is taken too early", the_table, "refuses hooks", since("hooks", "2026-10-28.endive")),
    Doctored("an amount that is no number", the_acceptance, "amount is 'much'", asked("amount", "much")),
    Doctored("an intent that is done", the_answers, "'done'", answering("status", "done")),
    Doctored("one that is done, in an error", the_answers, "'done'", answering("error.payment_intent.status", "done")),
    Doctored("one that is done, on a page", the_answers, "data[0].status", answering("data.first.status", "done")),
    Doctored("a page without an end", the_answers, "has_more is missing", answering("has_more", MISSING)),
    Doctored(
        "a charge that is done", the_answers, "charge.status is 'done'", answering("latest_charge.status", "done")
    ),
    Doctored("a required field left out", the_answers, "livemode is missing", answering("livemode", MISSING)),
    Doctored("a required field that is null", the_answers, "currency is null", answering("currency", None)),
    Doctored("a number in quotes", the_answers, "amount is '1999'", answering("amount", "1999")),
    Doctored("an undeclared field", the_answers, "paid", answering("paid", True)),
    Doctored("one of a card", the_answers, "card.color", answering("error.payment_method.card.color", "red")),
    Doctored(
        "a word inside an object", the_answers, "'no'", answering("automatic_payment_methods.allow_redirects", "no")
    ),
    Doctored("a made-up type of error", the_answers, "'rate_error'", answering("error.type", "rate_error")),
    Doctored("an error with a null", the_nulls, "param", answering("error.param", None)),
    Doctored("no intent that is processing", the_statuses, "processing", never_showing("processing")),
    Doctored("a code nobody sends", the_codes, "lock_tmo", lambda it: replace(it, client_codes=["lock_tmo"])),
    Doctored("a made-up code", the_codes, "card_refused", answering("error.code", "card_refused")),
    Doctored("one in a last error", the_codes, "card_refused", answering("last_payment_error.code", "card_refused")),
    Doctored("a made-up advice", the_advice, "give_up", answering("error.advice_code", "give_up")),
]

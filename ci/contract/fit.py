"""Whether a value is one that a type of the SDK allows.

Invariant: whatever the type does not allow is said once, with the place where it is.
"""

from collections.abc import Iterator

from contract.sdk import Many, Map, Null, Plain, Record, Type, Word

SHOWN_WORDS = 8


class Text(str):
    """A value as a form sends it: every one is a text, and reads as whatever it spells."""


def misfits(value: object, wanted: Type, at: str) -> Iterator[str]:
    """What is wrong with `value`, which stands `at` a place, if it is to be of the type `wanted`."""
    alternatives = wanted.alternatives
    if Plain("Any") in alternatives:
        return
    lists = [each.item for each in alternatives if isinstance(each, Many)]
    match value:
        case dict() if lists and value and all(name.isdecimal() for name in value):
            yield from misfits(list(value.values()), wanted, at)
        case dict():
            yield from misfits_of_object(value, alternatives, at)
        case list() if lists:
            for index, item in enumerate(value):
                yield from misfits(item, lists[0], f"{at}[{index}]")
        case list():
            yield f"{at} is a list; accepted: {accepted(alternatives)}"
        case _:
            if not any(allows(each, value, alternatives) for each in alternatives):
                yield f"{at} is {shown(value)}; accepted: {accepted(alternatives)}"


def misfits_of_object(value: dict, alternatives: list, at: str) -> Iterator[str]:
    records = [each for each in alternatives if isinstance(each, Record)]
    # Of several classes, `object` says which one it is.
    named = [each for each in records if each.object_name == value.get("object")]
    maps = [each for each in alternatives if isinstance(each, Map)]
    match named or records, maps:
        case [record, *_], _:
            yield from misfits_of_record(value, record, at)
        case [], [keyed, *_]:
            for key, item in value.items():
                yield from misfits(item, keyed.value, f"{at}[{key}]")
        case _:
            yield f"{at} is an object; accepted: {accepted(alternatives)}"


def misfits_of_record(value: dict, record: Record, at: str) -> Iterator[str]:
    prefix = f"{at}." if at else ""
    for name, item in value.items():
        if name in record.fields:
            yield from misfits(item, record.fields[name], prefix + name)
        else:
            yield f"{prefix}{name} is nothing that {record.name} has"
    for name, wanted in record.fields.items():
        if wanted.is_required and name not in value:
            yield f"{prefix}{name} is missing, and {record.name} always has it"


def allows(each: object, value: object, alternatives: list) -> bool:
    match each, value:
        case Null(), None:
            return True
        case Word(word), str():
            return word == value
        case Plain("str" | "Decimal"), str():
            # Where the SDK lists words, a `str` beside them stands for the words of later versions.
            return not any(isinstance(other, Word) for other in alternatives)
        case Plain("bool"), Text():
            return value in ("true", "false")
        case Plain("int"), Text():
            return value.isdecimal()
        case Plain("bool"), bool():
            return True
        case Plain("int" | "float"), int():
            return not isinstance(value, bool)
        case Plain("float"), float():
            return True
    return False


def accepted(alternatives: list) -> str:
    words = [each.text for each in alternatives if isinstance(each, Word)]
    more = [f"and {len(words) - SHOWN_WORDS} more words"] if len(words) > SHOWN_WORDS else []
    others = [
        kind(each) for each in alternatives if not isinstance(each, Word) and not (words and each == Plain("str"))
    ]
    return ", ".join([*words[:SHOWN_WORDS], *more, *others])


def kind(each: object) -> str:
    match each:
        case Null():
            return "null"
        case Plain(name):
            return name
        case Many():
            return "a list"
        case Map():
            return "an object"
        case Record():
            return each.name
    raise TypeError(each)


def shown(value: object) -> str:
    return "null" if value is None else repr(str(value)) if isinstance(value, str) else str(value)


def unfolded(form: list[tuple[str, str]]) -> dict:
    """The object that a form spells: `created[gte]=1&types[]=card`. Lists are objects with numbers for names."""
    whole: dict = {}
    for name, text in form:
        *outer, last = [part.removesuffix("]") for part in name.split("[")]
        place = whole
        for step in outer:
            place = place.setdefault(step, {})
        place[last or str(len(place))] = Text(text)
    return whole

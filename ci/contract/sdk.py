"""The types of Stripe's official Python SDK, read from its source.

Stripe generates them from its OpenAPI specification, so they are evidence that nobody here wrote. The SDK is parsed and
neither imported nor run: its annotations name what only a type checker imports.
Invariant: an annotation that is not understood is an error and never "anything goes".
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path

# What the SDK's hand-written class of found pages leaves out or says too narrowly: a page names its address, a next one
# only if there is more, and a count if it is asked for (https://docs.stripe.com/api/pagination/search).
PAGES = {"SearchResultObject": {"next_page": "Optional[str]", "total_count": "Optional[int]", "url": "str"}}

PLAIN = {"str", "int", "float", "bool", "Any", "Decimal"}


@dataclass(frozen=True)
class Null:
    """`None`: the field may be null, or absent."""


@dataclass(frozen=True)
class Word:
    """One value of an enumeration. A `str` beside words is for words of the future, and no evidence for any today."""

    text: str


@dataclass(frozen=True)
class Plain:
    """Any value of a built-in type."""

    name: str


@dataclass(frozen=True)
class Many:
    """A list."""

    item: "Type"


@dataclass(frozen=True)
class Map:
    """An object with keys of the user's, such as `metadata`."""

    value: "Type"


@dataclass(frozen=True)
class Record:
    """An object whose fields the SDK declares: an answer's class, or the parameters of a call."""

    node: ast.ClassDef
    scope: "Scope"

    @property
    def name(self) -> str:
        return ".".join(node.name for node in (*self.scope.classes, self.node))

    @cached_property
    def fields(self) -> dict[str, "Type"]:
        inside = self.scope.inside(self.node)
        annotated = [line for line in self.node.body if isinstance(line, ast.AnnAssign)]
        fields = {line.target.id: Type(line.annotation, inside) for line in annotated if not is_class_variable(line)}
        documented = {name: Type(ast.Constant(text), inside) for name, text in PAGES.get(self.node.name, {}).items()}
        # A page names itself, but declares no field for that.
        itself = {"object": Type(literal(self.object_name), inside)} if self.object_name else {}
        return {**itself, **fields, **documented}

    @cached_property
    def object_name(self) -> str | None:
        """What `object` is in an answer of this class."""
        for line in self.node.body:
            match line:
                case ast.Assign(targets=[ast.Name("OBJECT_NAME")], value=ast.Constant(name)):
                    return name
                case ast.AnnAssign(target=ast.Name("OBJECT_NAME"), value=ast.Constant(name)):
                    return name
        return None


Alternative = Null | Word | Plain | Many | Map | Record


@dataclass(frozen=True)
class Type:
    """An annotation, and where its names are looked up."""

    annotation: ast.expr
    scope: "Scope"

    @property
    def is_required(self) -> bool:
        """Whether the field is always there: neither `Optional` in an answer nor `NotRequired` among parameters."""
        annotation = parsed(self.annotation)
        if isinstance(annotation, ast.Subscript) and last_name(annotation.value) == "NotRequired":
            return False
        return Null() not in self.alternatives

    @cached_property
    def alternatives(self) -> list[Alternative]:
        """What a value may be: one of these."""
        return list(self.read(parsed(self.annotation)))

    def read(self, annotation: ast.expr) -> Iterator[Alternative]:
        match annotation:
            case ast.Constant(None):
                yield Null()
            case ast.BinOp(left, ast.BitOr(), right):
                yield from self.of(left)
                yield from self.of(right)
            case ast.Subscript(generic, ast.Tuple(arguments)):
                yield from self.filled_in(generic, arguments)
            case ast.Subscript(generic, argument):
                yield from self.filled_in(generic, [argument])
            case ast.Name() | ast.Attribute():
                yield from self.named(last_name(annotation))
            case _:
                raise Unreadable(self.scope, annotation)

    def filled_in(self, generic: ast.expr, arguments: list[ast.expr]) -> Iterator[Alternative]:
        match last_name(generic), arguments:
            case "Optional", [one]:
                yield from [Null(), *self.of(one)]
            case "Union", several:
                for one in several:
                    yield from self.of(one)
            case "Literal", words:
                yield from (Word(word.value) for word in words if isinstance(word, ast.Constant))
            case "NotRequired", [one]:
                yield from self.of(one)
            case "List", [item]:
                yield Many(Type(item, self.scope))
            case (("Dict" | "Mapping"), [_, value]) | ("UntypedStripeObject", [value]):
                yield Map(Type(value, self.scope))
            case "ExpandableField", [whole]:
                yield from [Plain("str"), *self.of(whole)]
            case ("ListObject" | "SearchResultObject") as page, [item]:
                node, scope = self.scope.find(page)
                yield Record(node, scope.binding("T", Type(item, self.scope)))
            case _:
                raise Unreadable(self.scope, generic)

    def named(self, name: str) -> Iterator[Alternative]:
        if name in PLAIN:
            yield Plain(name)
        elif name in self.scope.bound:
            yield from self.scope.bound[name].alternatives
        else:
            yield Record(*self.scope.find(name))

    def of(self, annotation: ast.expr) -> list[Alternative]:
        return Type(annotation, self.scope).alternatives


class Unreadable(Exception):
    """The SDK says something in a way that this file does not know."""

    def __init__(self, scope: "Scope", what: ast.expr | str):
        text = what if isinstance(what, str) else ast.unparse(what)
        super().__init__(f"{scope.module.path}: cannot read the type {text}; teach it to ci/contract/sdk.py")


@dataclass(frozen=True)
class Module:
    """One file of the SDK."""

    sdk: "Sdk"
    path: Path
    tree: ast.Module

    @cached_property
    def imports(self) -> dict[str, tuple[str, str]]:
        """Module and name behind each imported name, also where only a type checker imports."""
        froms = [node for node in ast.walk(self.tree) if isinstance(node, ast.ImportFrom) and node.module]
        return {name.asname or name.name: (node.module, name.name) for node in froms for name in node.names}


@dataclass(frozen=True)
class Scope:
    """A place in the SDK, from the inside out: the enclosing classes, the file, what it imports."""

    module: Module
    classes: tuple[ast.ClassDef, ...] = ()
    bound: dict[str, Type] = field(default_factory=dict)

    def inside(self, node: ast.ClassDef) -> "Scope":
        return Scope(self.module, (*self.classes, node), self.bound)

    def binding(self, variable: str, meaning: Type) -> "Scope":
        return Scope(self.module, self.classes, {**self.bound, variable: meaning})

    def find(self, name: str) -> tuple[ast.ClassDef, "Scope"]:
        for depth in range(len(self.classes), -1, -1):
            body = self.classes[depth - 1].body if depth else self.module.tree.body
            for node in body:
                if isinstance(node, ast.ClassDef) and node.name == name:
                    return node, Scope(self.module, self.classes[:depth], self.bound)
        if name not in self.module.imports:
            raise Unreadable(self, name)
        module, original = self.module.imports[name]
        return Scope(self.module.sdk.module(module)).find(original)


@dataclass(frozen=True)
class Endpoint:
    """One call of the API: what may be sent to it, and what it answers."""

    name: str
    parameters: Type
    answer: Type


class Sdk:
    """One release of the SDK, unpacked below `place`."""

    def __init__(self, release: str, place: Path):
        self.release = release
        self.place = place
        self.modules: dict[str, Module] = {}

    def __str__(self) -> str:
        return f"stripe {self.release}"

    @cached_property
    def api_version(self) -> str:
        text = (self.place / "stripe" / "_api_version.py").read_text(encoding="utf-8")
        return re.search(r'CURRENT = "([^"]+)"', text)[1]

    def module(self, name: str) -> Module:
        if name not in self.modules:
            path = self.place.joinpath(*name.split(".")).with_suffix(".py")
            self.modules[name] = Module(self, path, ast.parse(path.read_text(encoding="utf-8")))
        return self.modules[name]

    @cache
    def record(self, module: str, path: str) -> Record:
        """A class by its place, for example `PaymentIntent.LastPaymentError` of `stripe._payment_intent`."""
        inside = Scope(self.module(module))
        for name in path.split("."):
            node, scope = inside.find(name)
            inside = scope.inside(node)
        return Record(node, scope)

    def endpoint(self, verb: str, path: str) -> Endpoint | None:
        """The call that goes to `path`; of two that fit, the one with fewer ids in it."""
        fitting = [pattern for known, pattern in self.endpoints if known == verb.lower() and fits(path, pattern)]
        return self.endpoints[verb.lower(), min(fitting, key=lambda pattern: pattern.count("{"))] if fitting else None

    @cached_property
    def endpoints(self) -> dict[tuple[str, str], Endpoint]:
        """Every call on an intent or the balance, by verb and path, as the SDK's own services make them."""
        services = ["stripe._payment_intent_service", "stripe._balance_service"]
        return dict(call for service in services for call in calls(self.module(service)))


def calls(service: Module) -> Iterator[tuple[tuple[str, str], Endpoint]]:
    for function in ast.walk(service.tree):
        if isinstance(function, ast.FunctionDef):
            for call in ast.walk(function):
                if isinstance(call, ast.Call) and last_name(call.func) == "_request":
                    verb, path = call.args[0].value, first_text(call.args[1])
                    parameters = next(each.annotation for each in function.args.args if each.arg == "params")
                    scope = Scope(service)
                    answer = Type(function.returns, scope)
                    yield (verb, path), Endpoint(f"{verb.upper()} {path}", Type(parameters, scope), answer)


def fits(path: str, pattern: str) -> bool:
    parts, wanted = path.split("/"), pattern.split("/")
    return len(parts) == len(wanted) and all(
        want.startswith("{") or want == part for part, want in zip(parts, wanted, strict=True)
    )


def parsed(annotation: ast.expr) -> ast.expr:
    """An annotation in quotes is one all the same."""
    match annotation:
        case ast.Constant(str() as text):
            return ast.parse(text, mode="eval").body
    return annotation


def last_name(expression: ast.expr) -> str:
    match expression:
        case ast.Name(name) | ast.Attribute(attr=name):
            return name
    return ""


def first_text(expression: ast.expr) -> str:
    return next(node.value for node in ast.walk(expression) if isinstance(node, ast.Constant))


def is_class_variable(line: ast.AnnAssign) -> bool:
    return isinstance(line.annotation, ast.Subscript) and last_name(line.annotation.value) == "ClassVar"


def literal(word: str) -> ast.expr:
    return ast.parse(f"Literal[{word!r}]", mode="eval").body

"""How the places in a playbook's words are filled, and what a template may be made of."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

import jinja2
from jinja2 import nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from crisis.errors import BadInput, Fault
from crisis.model.phrases import listing, long_time, number, short_time

# What a template may be made of: places to fill, conditions and loops over lists; no calls, no arithmetic.
_ALLOWED = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Filter, nodes.If, nodes.For,
    nodes.Const, nodes.Not, nodes.And, nodes.Or, nodes.Compare, nodes.Operand, nodes.CondExpr,
)  # fmt: skip
FILTERS = ("short", "first", "upper", "lower", "capitalize")


@lru_cache(maxsize=16)
def _environment(language: str) -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        undefined=jinja2.StrictUndefined,
        autoescape=False,
        finalize=lambda value: _said(value, language),
    )
    environment.globals.clear()
    environment.filters = {name: environment.filters[name] for name in FILTERS if name != "short"}
    environment.filters["short"] = lambda value: short_time(value, language) if isinstance(value, datetime) else value
    return environment


def _said(value: object, language: str) -> object:
    match value:
        case None:
            return ""
        case datetime():
            return long_time(value, language)
        case int() | float():
            return number(value, language)
        case tuple() | list():
            return listing([str(entry) for entry in value], language)
        case _:
            return value


@lru_cache(maxsize=4096)
def _compiled(text: str, language: str) -> jinja2.Template:
    return _environment(language).from_string(text)


def fill(text: str, language: str, values: Mapping[str, object]) -> str:
    """Fill a template; every place must have a value, or BadInput names it."""
    try:
        filled = _compiled(text, language).render(values)
    except jinja2.UndefinedError as error:
        name = re.sub(r"^'(\w+)'.*", r"\1", str(error))
        raise BadInput([Fault(file="slots", field=name, says="has no value; fill it in")]) from error
    except jinja2.TemplateError as error:
        raise BadInput(f"a text of the playbook cannot be filled: {error}") from error
    return _tidy(filled)


def _tidy(text: str) -> str:
    lines = (re.sub(r"[ \t]{2,}", " ", line).strip() for line in text.strip().splitlines())
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines))


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """What a template asks for, and what is wrong with it (sentence and the snippet it is about)."""

    names: frozenset[str] = frozenset()
    needed: frozenset[str] = frozenset()  # of these, the ones without which it says something broken
    wrong: tuple[tuple[str, str], ...] = ()


@lru_cache(maxsize=4096)
def inspect(text: str) -> Template:
    """Look into a template without filling it."""
    try:
        tree = _environment("id").parse(text)
        _compiled(text, "id")
    except jinja2.TemplateError as error:
        return Template(wrong=((f"has a broken {{{{ place }}}}: {error}", _unclosed(text)),))
    every = list(tree.find_all(nodes.Node))
    strays = sorted({type(n).__name__.lower() for n in every if not isinstance(n, _ALLOWED)})
    says = f"uses template code that is not allowed ({', '.join(strays)}); use {{{{ name }}}} or {{% if name %}}"
    names = [n for n in every if isinstance(n, nodes.Name)]
    bound = {n.name for n in names if n.ctx != "load"}
    return Template(
        names=frozenset({n.name for n in names} - bound),
        needed=frozenset(set(_unguarded(tree, frozenset())) - bound),
        wrong=((says, "{"),) if strays else (),
    )


def _unguarded(node: nodes.Node, asked: frozenset[str]) -> Iterator[str]:
    """Yield the names that are used where no condition has asked for them."""
    if isinstance(node, nodes.Name) and node.name not in asked:
        yield node.name
    if isinstance(node, nodes.If | nodes.CondExpr):
        asked |= {name.name for name in node.test.find_all(nodes.Name)}
        asked |= {node.test.name} if isinstance(node.test, nodes.Name) else set()
    for child in node.iter_child_nodes():
        yield from _unguarded(child, asked)


def _unclosed(text: str) -> str:
    opened = re.finditer(r"\{[{%][^{}%]*", text)
    return next((o[0].strip() for o in opened if text[o.end() : o.end() + 2] not in ("}}", "%}")), "")

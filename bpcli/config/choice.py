"""A choice in a config: a name, or a mapping with ``name`` and the settings of the dataclass of that name.

The keys of a choice are the fields of the dataclass that its registry lists,
constraints included. The registry is read when a config is validated, so a new
entry is parsed, checked and put into the JSON schema by being listed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from functools import cache, reduce
from operator import or_
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints
from warnings import catch_warnings, simplefilter

from pydantic import Field as ModelField
from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, Strict, ValidationError, create_model
from pydantic.errors import PydanticUserError
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from bpcli.choices import name_of
from bpcli.config.registries import KINDS, Kind
from bpcli.config.sections import Section, key_schema, shortened

UNKNOWN_CHOICE, UNNAMED_CHOICE = "unknown_choice", "unnamed_choice"
"""The types of the errors that a choice adds to pydantic's; their contexts hold the kind's word and its names."""


@dataclass(frozen=True)
class Holder:
    """A dataclass of a choice, in its field ``field``, and of the keys around it, in fields of their names."""

    type: type[Any]
    field: str


class Choice:
    """Marks a choice of a kind; the validated value is an instance of the registry's dataclass.

    While the registry is empty the key does not exist.

    ``base`` has the keys that surround the choice's own, ``holder`` joins both.
    A bare value stands for the key ``bare``. Settings in ``inherited`` may be left
    open: they are then None, until resolution fills them in.
    """

    def __init__(
        self,
        kind: Kind,
        *,
        base: type[Section] = Section,
        holder: Holder | None = None,
        bare: str = "name",
        inherited: Callable[[], Collection[str]] = tuple,
    ) -> None:
        self.kind, self.base, self.holder, self.bare, self.inherited = kind, base, holder, bare, inherited
        self._models: dict[tuple[str, type[Any]], type[Section]] = {}
        self._being_described = False

    @property
    def exists(self) -> bool:
        """Whether there is anything to choose."""
        return self.kind.exists

    def models(self) -> list[type[Section]]:
        """The model of each choice."""
        return [self.model(name) for name in self.kind.registry]

    def model(self, name: str) -> type[Section]:
        """The model of one choice; it has no key ``name`` where the kind offers no choice."""
        kind, shown = self.kind.registry[name], name if self.kind.offers_choice else ""
        if (shown, kind) not in self._models:
            self._models[shown, kind] = self._create(shown, kind)
        return self._models[shown, kind]

    def constant_keys(self) -> type[Section]:
        """The model with the keys that are there whatever is chosen."""
        return self.base if self.kind.offers_choice or not self.exists else self.models()[0]

    def _create(self, name: str, kind: type[Any]) -> type[Section]:
        hints = get_type_hints(kind, include_extras=True)
        keys: dict[str, Any] = {}
        if name:
            keys["name"] = (Literal[name], name if name == self.kind.default or self.names_itself(name) else ...)
        for setting in fields(kind):
            assert setting.name not in {"name", *self.base.model_fields}, "a setting has a name of its own"
            hint = _config_type(hints[setting.name])
            if setting.name in self.inherited():
                keys[setting.name] = (hint | None, None)
            else:
                keys[setting.name] = (hint, _default(setting))
        described = kind if name else self.base
        doc = (described.__doc__ or "").splitlines()[0]
        return create_model(described.__name__, __base__=self.base, __doc__=doc, **keys)

    def name_in(self, keys: Mapping[str, Any]) -> Any:
        """The name that a mapping gives to its choice, or the default; None where there is neither.

        A choice with a setting of its own name, as ``norm`` in ``{norm: 1.0}``, is named by this key.
        """
        given = keys.get("name") if self.kind.offers_choice else None
        if given is not None:
            return given
        named = self.named_by_settings(keys)
        return named[0] if len(named) == 1 else self.kind.default

    def named_by_settings(self, keys: Mapping[str, Any]) -> list[str]:
        """The choices that have a setting of their own name among the keys."""
        return [name for name in self.kind.registry if name in keys and self.names_itself(name)]

    def names_itself(self, name: str) -> bool:
        """Whether a choice has a setting of its own name, where a mapping without a name has no default."""
        return self.kind.default is None and name in {setting.name for setting in fields(self.kind.registry[name])}

    def shortened(self, keys: dict[str, Any]) -> Any:
        """A choice's keys without a name that another key says, or the bare value alone where there is no other key."""
        if self.kind.offers_choice and self.names_itself(keys["name"]):
            return {key: value for key, value in keys.items() if key != "name"}
        return shortened(keys, self.bare)

    def validated(self, value: Any) -> Any:
        """The choice that plain data describe.

        Raises:
            PydanticCustomError: they name none, or none that the registry has.
            ValidationError: a setting is wrong.
        """
        keys = value if isinstance(value, dict) else {self.bare: value}
        name, context = self.name_in(keys), {"word": self.kind.word, "names": list(self.kind.registry)}
        if name is None:
            several = self.named_by_settings(keys)
            raise PydanticCustomError(UNNAMED_CHOICE, "no name", {**context, "several": several})
        if not isinstance(name, str) or name not in self.kind.registry:
            raise PydanticCustomError(UNKNOWN_CHOICE, "no such choice", {**context, "given": name})
        return self._built(self.model(name).model_validate(keys), self.kind.registry[name])

    def _built(self, model: Section, kind: type[Any]) -> Any:
        choice = kind(**{setting.name: getattr(model, setting.name) for setting in fields(kind)})
        if self.holder is None:
            return choice
        around = {key: getattr(model, key) for key in self.base.model_fields}
        return self.holder.type(**around, **{self.holder.field: choice})

    def described(self, value: Any) -> Section:
        """The model that a validated value was built from."""
        choice, keys = value, dict[str, Any]()
        if self.holder is not None:
            choice = getattr(value, self.holder.field)
            keys |= {key: getattr(value, key) for key in self.base.model_fields}
        name = name_of(self.kind.registry, choice)
        if self.kind.offers_choice:
            keys["name"] = name
        keys |= {setting.name: getattr(choice, setting.name) for setting in fields(choice)}
        return self.model(name).model_construct(**keys)

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Look the choice up and validate by its model."""
        return core_schema.no_info_plain_validator_function(self.validated)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """A bare value, or the mapping of any choice."""
        if not self.exists:
            return {}
        models = {name: self.model(name).__pydantic_core_schema__ for name in self.kind.registry}
        if self._being_described:  # by itself, as a setting of one of its own choices: refer to what is on its way
            references = {name: core_schema.definition_reference_schema(model["ref"]) for name, model in models.items()}
            return self._either_form(references, handler)
        self._being_described = True
        try:
            return self._either_form(models, handler)
        finally:
            self._being_described = False

    def _either_form(self, models: dict[str, Any], handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        if self.kind.offers_choice:
            described = handler(core_schema.tagged_union_schema(models, "name"))
        else:
            described = handler(core_schema.union_schema(list(models.values())))
        if self.bare == "name":
            complete = [name for name in models if not self._needs_settings(name)]
            return {"anyOf": [{"enum": complete}, described]} if complete else described
        first = handler(core_schema.union_schema([next(iter(models.values()))]))
        return {"anyOf": [key_schema(first, self.bare, self.bare, handler), described]}

    def _needs_settings(self, name: str) -> bool:
        """Whether a choice has a setting without a default."""
        return any(key != "name" and field.is_required() for key, field in self.model(name).model_fields.items())


@cache
def choice_of(kind: Kind) -> Choice:
    """The plain choice of a kind: a name, or a mapping with its settings."""
    return Choice(kind)


def _config_type(hint: Any) -> Any:
    """The type of a setting as a key: strict scalars, and choices where a protocol of choices stands."""
    kind = next((kind for kind in KINDS.values() if kind.protocol is not None and kind.protocol is hint), None)
    if kind is not None:
        return Annotated[hint, choice_of(kind)]
    if hint in (int, float, bool, str):
        return Annotated[hint, Strict()]
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return Annotated[(_config_type(inner[0]), *inner[1:])]
    if origin in (Union, UnionType):
        return reduce(or_, map(_config_type, inner))
    if origin in (list, tuple):
        return origin[tuple(map(_config_type, inner))]
    return hint


def _default(setting: Field[Any]) -> Any:
    if setting.default_factory is not MISSING:
        return ModelField(default_factory=setting.default_factory)
    return ... if setting.default is MISSING else setting.default


def faults_of_settings(kind: type[Any]) -> Iterator[str]:
    """What keeps the settings of a class from being keys: no name or type for one, a default that is not valid."""
    choice = Choice(Kind("choice", {"this": kind, "other": kind}))
    try:
        with catch_warnings():
            simplefilter("error")
            model = choice.model("this")
    except (PydanticUserError, TypeError, UserWarning) as error:
        yield f"its settings can't be keys of a config: {str(error).partition(chr(10))[0]}"
        return
    given = {key: value for key, value in vars(kind()).items() if not is_dataclass(value)}
    try:
        model.model_validate({"name": "this", **given})
    except ValidationError as error:
        for one in error.errors():
            yield f"its setting {one['loc'][0]} is {one['input']!r} by default: {one['msg']}"

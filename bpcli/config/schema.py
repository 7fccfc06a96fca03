"""Which keys a config has, their types and defaults: pydantic over the choices' own dataclasses.

A choice is a name or a mapping with ``name``; its other keys are the fields of
the dataclass that its registry lists under that name, constraints included. So a new
choice is parsed, checked and put into the JSON schema by being listed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields
from functools import reduce
from operator import or_
from typing import Annotated, Any, Literal, get_type_hints

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    Strict,
    WithJsonSchema,
    create_model,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from bpcli.choices import Registry
from bpcli.config.overrides import Entry
from bpcli.nn.activations import ACTIVATIONS, Activation
from bpcli.nn.initializers import INITIALIZERS, Initializer
from bpcli.nn.losses import LOSSES, Loss
from bpcli.nn.optimizers import OPTIMIZERS, Optimizer

Whole = Annotated[int, Strict()]
Number = Annotated[float, Strict()]
Text = Annotated[str, Strict()]
Truth = Annotated[bool, Strict()]
Mode = Literal["sgd", "mini_batch", "batch"]
ScaleName = Literal["standard", "minmax", "none"]

DEFAULT_OPTIMIZER = "gradient_descent"


class Section(BaseModel):
    """A mapping with these keys and no others."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True, eq=False)
class Shorthand:
    """A bare value stands for the mapping ``{key: value}``; a mapping without the key gets ``default``."""

    key: str
    schema: dict[str, Any]
    default: str | None = None

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Expand before validating."""

        def expand(value: Any) -> Any:
            if not isinstance(value, dict | BaseModel):
                return {self.key: value}
            if isinstance(value, dict) and self.default is not None and self.key not in value:
                return {self.key: self.default, **value}
            return value

        return core_schema.no_info_before_validator_function(expand, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Either form."""
        return {"anyOf": [self.schema, handler(schema)]}


CHOICE_MODELS: dict[tuple[str, str], type[Section]] = {}
"""The model of each choice, by its registry's key and its name."""


class Choice:
    """A name, or a mapping with ``name`` and settings; handed on as the dataclass of the registry.

    ``base`` adds keys that surround the choice, and ``join`` puts them together
    with it; a mapping without a name gets ``default``.
    """

    def __init__(
        self,
        key: str,
        registry: Registry,
        base: type[Section] = Section,
        join: Callable[[Any, Any], Any] = lambda model, choice: choice,
        default: str | None = None,
    ) -> None:
        self.registry, self.join = registry, join
        self.shorthand = Shorthand("name", {"enum": list(registry)}, default)
        for name, kind in registry.items():
            CHOICE_MODELS[key, name] = _model(name, kind, base, required=name != default)
        union: Any = reduce(or_, (CHOICE_MODELS[key, name] for name in registry))
        self.form = Annotated[union, Field(discriminator="name")]

    def built(self, model: Any) -> Any:
        """The choice that a validated model describes."""
        kind = self.registry[model.name]
        return self.join(model, kind(**{setting.name: getattr(model, setting.name) for setting in fields(kind)}))

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Expand a bare name, validate by the model of the name, build."""
        models = self.shorthand.__get_pydantic_core_schema__(self.form, handler.generate_schema)  # type: ignore[arg-type]
        return core_schema.no_info_after_validator_function(self.built, models)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Either form."""
        return self.shorthand.__get_pydantic_json_schema__(schema, handler)


def _model(name: str, kind: type[Any], base: type[Section], *, required: bool) -> type[Section]:
    hints = get_type_hints(kind, include_extras=True)
    settings: dict[str, Any] = {"name": (Literal[name], ... if required else name)}
    for setting in fields(kind):
        hint = hints[setting.name]
        leaf = Annotated[hint, Strict()] if _is_number(hint) else hint
        settings[setting.name] = (leaf, ... if setting.default is MISSING else setting.default)
    doc = (kind.__doc__ or "").splitlines()[0]
    return create_model(kind.__name__, __base__=base, __doc__=doc, **settings)


def _is_number(hint: Any) -> bool:
    return getattr(hint, "__origin__", hint) in (int, float, bool, str)


@dataclass(frozen=True)
class Trainer:
    """How examples are walked through, and the rule that updates."""

    mode: Mode
    batch_size: int | None
    shuffle: bool | None
    rule: Optimizer


class TrainerKeys(Section):
    """The keys of ``optimizer`` that belong to the trainer, whatever the rule."""

    mode: Mode = Field("mini_batch", description="sgd: each example; mini_batch; batch: all examples")
    batch_size: Annotated[Whole, Field(ge=1)] | None = Field(None, description="for mini_batch; default 32")
    shuffle: Truth | None = Field(None, description="a fresh order each epoch; default true, false for batch")


def _trainer(keys: TrainerKeys, rule: Optimizer) -> Trainer:
    return Trainer(keys.mode, keys.batch_size, keys.shuffle, rule)


ActivationChoice = Annotated[Activation, Choice("activation", ACTIVATIONS)]
InitializerChoice = Annotated[Initializer, Choice("initializer", INITIALIZERS)]
LossChoice = Annotated[Loss, Choice("loss", LOSSES)]
TrainerChoice = Annotated[Trainer, Choice("optimizer", OPTIMIZERS, TrainerKeys, _trainer, DEFAULT_OPTIMIZER)]


def _as_column(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _as_cell(value: Any) -> Any:
    if value is None:
        return "null"
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


@dataclass(frozen=True)
class OneOrMore:
    """A bare value stands for the list of it."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Make it a list before validating."""
        return core_schema.no_info_before_validator_function(
            lambda value: value if isinstance(value, list) else [value], handler(source)
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Either form."""
        several = handler(schema)
        return {"anyOf": [several["items"], several]}


Column = Annotated[Text, BeforeValidator(_as_column), WithJsonSchema({"type": ["string", "integer"]})]
Columns = Annotated[list[Column], Field(min_length=1)]
Cell = Annotated[Text, BeforeValidator(_as_cell), WithJsonSchema({"type": ["string", "number", "null"]})]
FileName = Annotated[Text, Field(min_length=1)]


class PairSection(Section):
    """A file, or features and targets in a file each."""

    features: FileName
    targets: FileName | None = None


Pair = Annotated[PairSection, Shorthand("features", {"type": "string", "minLength": 1, "description": "a file"})]


class SplitSection(Section):
    """Fractions of the file to hold out."""

    validation: Annotated[Number, Field(ge=0, lt=1)] = 0.0
    test: Annotated[Number, Field(ge=0, lt=1)] = 0.0
    seed: Annotated[Whole, Field(ge=0)] | None = Field(None, description="default: the config's seed")


class DataSection(Section):
    """Where the examples are and how they are encoded."""

    path: Pair | None = Field(None, description="one file, to be split")
    train: Pair | None = Field(None, description="the training file")
    validation: Pair | None = None
    test: Pair | None = None
    target: Annotated[Columns, OneOrMore()] | None = Field(
        None, description="a column or a list of them; default: the last column"
    )
    features: Columns | None = Field(None, description="default: every other column")
    drop: Annotated[list[Column], OneOrMore()] = Field([], description="columns to leave out")
    task: Literal["classification", "regression"] | None = None
    split: SplitSection = SplitSection()
    scale: ScaleName | None = Field(None, description="default: standard for tables, minmax for images")
    scale_targets: Literal["standard", "none"] | None = None
    delimiter: Annotated[Text, Field(pattern=r"^[\t !#-~]$")] | None = None
    header: Truth = True
    missing: Annotated[list[Cell], OneOrMore()] = Field(
        ["NA", "NaN", "null"], description="cells that mean a missing value, besides empty ones"
    )


WIDEST = 10_000_000
"""A width beyond any network that fits a machine."""


MOST_SHARDS = 1024
"""More than any machine has processors."""


class HiddenSection(Section):
    """A hidden layer."""

    units: Annotated[Whole, Field(ge=1, le=WIDEST)]
    activation: ActivationChoice | None = None
    initializer: InitializerChoice | None = None


Hidden = Annotated[
    HiddenSection,
    Shorthand("units", {"type": "integer", "minimum": 1, "maximum": WIDEST, "description": "units"}),
]


class NetworkSection(Section):
    """The architecture."""

    hidden: Annotated[list[Hidden], OneOrMore()] = Field([], description="widths, or mappings with units")
    activation: ActivationChoice | None = Field(None, description="of hidden layers that name none; default: relu")
    output: ActivationChoice | None = Field(None, description="default: the loss's usual one")
    initializer: InitializerChoice | None = Field(None, description="default: he for relu-like layers, else glorot")
    weights: FileName | None = Field(None, description="start from a safetensors file or a run folder")


class Config(Section):
    """A bp experiment."""

    seed: Annotated[Whole, Field(ge=0)] = 0
    dtype: Literal["float32", "float64"] = "float32"
    data: DataSection
    network: NetworkSection = NetworkSection()
    loss: LossChoice
    optimizer: TrainerChoice = Field(
        default_factory=lambda: Trainer("mini_batch", None, None, OPTIMIZERS[DEFAULT_OPTIMIZER]())
    )
    epochs: Annotated[Whole, Field(ge=1)] = 20
    engine: Literal["auto", "numpy", "numba"] = Field(
        "auto", description="numba, where it is installed and saves time, compiles the steps; numpy is the reference"
    )
    shards: Annotated[Whole, Field(ge=1, le=MOST_SHARDS)] = Field(
        1, description="parts of each batch computed by themselves and added up; changes the last bits"
    )
    threads: Annotated[Whole, Field(ge=1, le=MOST_SHARDS)] = Field(
        1, description="threads that compute shards side by side; changes no bit"
    )


SECTIONS: dict[str, type[Section]] = {
    "": Config,
    "data": DataSection,
    "split": SplitSection,
    "path": PairSection,
    "train": PairSection,
    "validation": PairSection,
    "test": PairSection,
    "network": NetworkSection,
    "hidden": HiddenSection,
    "optimizer": TrainerKeys,
}
"""The sections by the key they stand under."""

PATHS = [
    *(
        ("data", part, *more)
        for part in ("path", "train", "validation", "test")
        for more in ((), ("features",), ("targets",))
    ),
    ("network", "weights"),
]
"""The keys whose values are paths."""

ENTRIES = {
    "optimizer": Entry(default=DEFAULT_OPTIMIZER, outliving=frozenset(TrainerKeys.model_fields)),
    **{f"data.{part}": Entry(bare="features") for part in ("path", "train", "validation", "test")},
}
"""Where an override treats a key in a way of its own."""


def json_schema() -> dict[str, Any]:
    """The JSON schema of a config, for editors."""
    schema = Config.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "bp config"}

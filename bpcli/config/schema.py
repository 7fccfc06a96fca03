"""Which keys a config has, their types and defaults.

The models hold the keys; what a choice's own keys are, its dataclass in ``nn``
says. Everything else that is known of a key stands in its type here: see
``sections`` for the markers and ``choice`` for choices.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, Strict, WithJsonSchema
from pydantic_core import PydanticCustomError

from bpcli.choices import IfMissing
from bpcli.config.choice import Choice, Holder, choice_of
from bpcli.config.registries import KINDS
from bpcli.config.sections import (
    FilePath,
    OmittedWhenDefault,
    OneOrMore,
    OnResume,
    Section,
    Shorthand,
    UnsaidWhen,
    Word,
)
from bpcli.data.encoding.columns import ColumnKind
from bpcli.data.encoding.scaling import SCALINGS
from bpcli.data.files.numerals import DecimalMark, ThousandsMark
from bpcli.nn.activations import Activation
from bpcli.nn.initializers import Initializer
from bpcli.nn.layers import Dropout, Layer, MaxNorm
from bpcli.nn.losses import Loss
from bpcli.nn.metrics import Metric
from bpcli.nn.noise import InputNoise
from bpcli.nn.optimizers import Optimizer
from bpcli.nn.penalties import Penalty
from bpcli.nn.schedules import Schedule
from bpcli.nn.transformations import Transformation
from bpcli.training.expectations import parse_expectation
from bpcli.training.keeping import Keep

Integer = Annotated[int, Strict()]
Real = Annotated[float, Strict()]
String = Annotated[str, Strict()]
Boolean = Annotated[bool, Strict()]
Mode = Literal["sgd", "mini_batch", "batch"]
ScaleName: Any = Literal[tuple(SCALINGS)]
"""The name of a scaling."""

AUTO = "auto"
"""Where a key's value is to be decided for the config, as if the key were left out."""

ActivationChoice = Annotated[Activation, choice_of(KINDS["activations"])]
InitializerChoice = Annotated[Initializer, choice_of(KINDS["initializers"])]
LossChoice = Annotated[Loss, choice_of(KINDS["losses"])]
MetricChoice = Annotated[Metric, choice_of(KINDS["metrics"])]
PenaltyChoice = Annotated[Penalty, choice_of(KINDS["penalties"])]
ScheduleChoice = Annotated[Schedule, choice_of(KINDS["schedules"])]
KeepChoice = Annotated[Keep, choice_of(KINDS["keeps"])]
ColumnKindChoice = Annotated[ColumnKind, choice_of(KINDS["columns"])]
InputNoiseChoice = Annotated[InputNoise, choice_of(KINDS["input_noises"])]
ClippingChoice = Annotated[Transformation, choice_of(KINDS["clippings"])]


class TrainerKeys(Section):
    """The keys of ``optimizer`` that say how it trains, whatever the rule."""

    mode: Mode = Field(
        "mini_batch", description="how many examples an update sees: sgd one, mini_batch batch_size, batch all"
    )
    batch_size: Annotated[Integer, Field(ge=1)] | None = Field(None, description="for mini_batch; default: 32")
    shuffle: Boolean | None = Field(
        None, description="a fresh order of examples each epoch; default: true, false for batch"
    )
    schedule: ScheduleChoice | None = Field(None, description="of the learning rate; default: constant")
    clip: ClippingChoice | None = Field(None, description="how a large gradient is shortened; default: none")


@dataclass(frozen=True)
class Trainer:
    """How examples are walked through, how the gradient and η change on the way, and the rule that updates."""

    mode: Mode
    batch_size: int | None
    shuffle: bool | None
    schedule: Schedule | None
    clip: Transformation | None
    rule: Optimizer


TRAINER = Choice(KINDS["optimizers"], base=TrainerKeys, holder=Holder(Trainer, "rule"))


def _as_column(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _as_cell(value: Any) -> Any:
    if value is None:
        return "null"
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


Column = Annotated[String, BeforeValidator(_as_column), WithJsonSchema({"type": ["string", "integer"]})]
Columns = Annotated[list[Column], Field(min_length=1)]
Cell = Annotated[String, BeforeValidator(_as_cell), WithJsonSchema({"type": ["string", "number", "null"]})]
ClassWeights = Annotated[
    dict[Cell, Annotated[Real, Field(ge=0)]], Word("balanced", "balanced, or a weight for each label: {rare: 5.0}")
]
FileName = Annotated[String, Field(min_length=1), FilePath()]


class PairSection(Section):
    """A file, or features and targets in a file each."""

    features: Annotated[FileName, IfMissing("name the file with the features")] = Field(description="their file")
    targets: FileName | None = Field(None, description="their file; default: the same")


Pair = Annotated[PairSection, Shorthand("features", "a file")]


class SplitSection(Section):
    """Fractions of the file to hold out."""

    validation: Annotated[Real, Field(ge=0, lt=1)] = Field(0.0, description="the fraction for validation")
    test: Annotated[Real, Field(ge=0, lt=1)] = Field(0.0, description="the fraction for the test part")
    seed: Annotated[Integer, Field(ge=0)] | None = Field(
        None, description="keeps the split fixed while the top-level seed varies; default: that one"
    )
    folds: Annotated[Integer, Field(ge=2)] | None = Field(
        None,
        description="so many equal parts, one of them the test part; validation then takes its fraction of the others; "
        "default: none",
    )
    fold: Annotated[Integer, Field(ge=0)] | None = Field(
        None, description="which of the folds is the test part, from 0; default: 0"
    )

    @property
    def deals(self) -> bool:
        """Whether any rows are held out."""
        return bool(self.validation or self.test or self.folds)


class DataSection(Section):
    """Where the examples are and how they are encoded."""

    path: Pair | None = Field(None, description="one file, to be split; default: none, there is train")
    train: Pair | None = Field(None, description="the training file, instead of path; default: none")
    validation: Pair | None = Field(None, description="the validation file, beside train; default: none")
    test: Pair | None = Field(None, description="the test file, beside train; default: none")
    target: Annotated[Columns, OneOrMore(written_bare=True)] | None = Field(
        None, description="a column or a list of them; default: the last column"
    )
    features: Columns | None = Field(None, description="the columns to use; default: every other column")
    drop: Annotated[list[Column], OneOrMore(), OmittedWhenDefault()] = Field(
        [], description="columns to leave out; default: none"
    )
    types: Annotated[dict[Column, ColumnKindChoice], OmittedWhenDefault()] = Field(
        {},
        description="what columns are, where not as their cells look: {zip: category, id: drop, born: date}; "
        "default: by the training cells",
    )
    task: Literal["classification", "regression"] | None = Field(
        None, description="whether targets are classes or numbers; default: by the loss and the targets"
    )
    split: Annotated[SplitSection, OmittedWhenDefault()] = Field(
        SplitSection(), description="fractions of the file to hold out, the same share of each class; default: none"
    )
    group: Column | None = Field(
        None, description="rows with the same cell in this column stay in one part; default: none"
    )
    order: Column | None = Field(
        None,
        description="the split follows this column (numbers, text, ISO dates, or dates by types), the latest rows to "
        "test; default: at random",
    )
    sample_weight: Column | None = Field(
        None, description="a column that says how much each example counts, in every part; default: each 1"
    )
    class_weight: ClassWeights | None = Field(
        None,
        description="how much each class counts in training: balanced, or a weight for each label, others 1; "
        "default: each 1",
    )
    scale: ScaleName | None = Field(
        None,
        description="of features, learned from the training examples; default: standard for tables, minmax for images",
    )
    scale_targets: Literal["standard", "none"] | None = Field(
        None, description="of a regression's targets; default: standard where the output is identity, else none"
    )
    input_noise: InputNoiseChoice | None = Field(None, description="on scaled inputs, in training alone; default: none")
    delimiter: Annotated[String, Field(pattern=r"^[\t !#-~]$")] | None = Field(
        None, description="between the cells of a text table; default: tab, comma or semicolon, as found"
    )
    header: Boolean = Field(True, description="whether a table's first row names its columns")
    missing: Annotated[list[Cell], OneOrMore()] = Field(
        ["NA", "NaN", "null"], description="cells that mean a missing value, besides empty ones"
    )
    decimal: DecimalMark = Field(".", description="the decimal mark of numbers")
    thousands: ThousandsMark | None = Field(None, description="the mark between thousands; default: none")


MOST_EPOCHS = 10**9
"""More than anyone waits for; the updates of as many can be counted in 64 bits."""

MOST_SHARDS = 1024
"""More than any machine has processors."""

CountOrAuto = Annotated[
    int | Literal["auto"],
    Word(
        "auto",
        "auto, or a whole number of at least 1",
        kinds=(int, float),
        other=Annotated[int, Strict(), Field(ge=1, le=MOST_SHARDS)],
    ),
]


class HiddenSection(Section):
    """A hidden layer."""


HiddenLayer = Annotated[
    Layer,
    Choice(KINDS["layers"], base=HiddenSection, bare="units", inherited=lambda: NetworkSection.model_fields),
]
"""A layer's keys are its fields; one that is a key of ``network`` too may be left to it."""


class NetworkSection(Section):
    """The architecture."""

    hidden: Annotated[list[HiddenLayer], OneOrMore()] = Field(
        [], description="the hidden layers: widths, or mappings with units; default: none, a single-layer network"
    )
    activation: ActivationChoice | None = Field(None, description="of hidden layers that name none; default: relu")
    dropout: Annotated[Dropout, Strict()] | None = Field(
        None, description="of hidden layers that name none: the probability that training drops a unit; default: 0"
    )
    max_norm: Annotated[MaxNorm, Strict()] | None = Field(
        None, description="of hidden layers that name none: the length of a unit's weights at most; default: no limit"
    )
    output: ActivationChoice | None = Field(None, description="the output's activation; default: the loss's usual one")
    initializer: InitializerChoice | None = Field(
        None,
        description="of the first weights; biases start at 0; default: he for relu and its kin, lecun for selu, else "
        "glorot",
    )
    weights: FileName | None = Field(
        None,
        description="start from the W and b of a run, or of a safetensors or NPZ file, also by a framework's names; "
        "scaling, categories and classes are learned from the new data; default: drawn by the initializer",
    )


def _as_expectation(value: str) -> str:
    try:
        parse_expectation(value)
    except ValueError as error:
        raise PydanticCustomError("expectation", "{wanted}", {"wanted": str(error)}) from error
    return value


Expected = Annotated[String, AfterValidator(_as_expectation), WithJsonSchema({"type": "string"})]


class EarlyStoppingSection(Section):
    """When training ends because it no longer improves."""

    monitor: String | None = Field(None, description="a column of metrics.csv; default: that of keep, else val_loss")
    patience: Annotated[Integer, Field(ge=1)] = Field(
        10, description="how many epochs in succession may pass without an improvement, counted as Keras counts"
    )
    min_delta: Annotated[Real, Field(ge=0)] = Field(0.0, description="by how much a value has to pass the best one")


class CheckpointSection(Section):
    """When a run under way is saved; at its start, at its end and at a signal it always is."""

    epochs: Annotated[Integer, Field(ge=1, le=MOST_EPOCHS)] | None = Field(
        None, description="after every so many epochs; default: by the time it takes"
    )
    seconds: Annotated[Real, Field(gt=0)] | None = Field(
        None, description="at least so many seconds from one to the next; default: by the time it takes"
    )


class Config(Section):
    """A bp experiment."""

    seed: Annotated[Integer, Field(ge=0)] = Field(
        0, description="for the split, the initial weights and the order of examples, each with its own random stream"
    )
    dtype: Literal["float32", "float64"] = Field("float32", description="the precision in which training computes")
    data: Annotated[DataSection, IfMissing("for example data: {path: table.csv, target: label}")] = Field(
        description="where the examples are and how they are encoded; required"
    )
    network: NetworkSection = Field(NetworkSection(), description="the architecture; default: no hidden layer")
    loss: LossChoice = Field(description="what training makes small; required")
    penalties: Annotated[tuple[PenaltyChoice, ...], OneOrMore(), OmittedWhenDefault()] = Field(
        (), description="terms of the loss in the weights, not the biases; default: none"
    )
    optimizer: Annotated[Trainer, TRAINER] = Field(
        default_factory=lambda: TRAINER.validated({}),
        description="how it trains, and the update rule; default: gradient_descent on mini-batches of 32",
    )
    epochs: Annotated[Integer, Field(ge=1, le=MOST_EPOCHS), OnResume()] = Field(
        20, description="passes over the training examples"
    )
    metrics: Annotated[list[MetricChoice], Field(min_length=1), OneOrMore()] | None = Field(
        None, description="columns of metrics.csv, in this order; default: the usual ones of the task"
    )
    keep: KeepChoice | None = Field(
        None, description="the parameters to keep; default: best by val_loss, last where there is no validation part"
    )
    early_stopping: Annotated[EarlyStoppingSection, Shorthand("patience", "epochs without improvement")] | None = Field(
        None, description="ends a training that no longer improves; default: off"
    )
    expect: Annotated[list[Expected], OneOrMore(), OmittedWhenDefault(), OnResume()] = Field(
        [],
        description="final metrics with bounds, such as test_accuracy >= 0.97: exit status 1 where one is not met; "
        "default: none",
    )
    max_seconds: Annotated[Annotated[Real, Field(gt=0)] | None, OnResume()] = Field(
        None, description="a deadline for training, counted afresh when it is resumed; default: none"
    )
    checkpoint: Annotated[CheckpointSection | None, OnResume()] = Field(
        None,
        description="when a run under way is saved; default: every 10 s, or so seldom that it takes 3 % of the time at "
        "most, but every 10 minutes",
    )
    engine: Literal["auto", "numpy", "numba"] = Field(
        "auto", description="numba, where it is installed and saves time, compiles the steps; numpy is the reference"
    )
    shards: Annotated[CountOrAuto, UnsaidWhen(1)] = Field(
        "auto",
        description="parts of each batch computed by themselves and added up; another number changes the last bits; "
        "auto follows from the batch and the network alone, never from the machine",
    )
    threads: Annotated[CountOrAuto, OnResume()] = Field(
        "auto",
        description="threads that compute shards, parts of large layers, and passes over examples, side by side; "
        "changes no bit; auto takes the cores that the process may use",
    )


def json_schema() -> dict[str, Any]:
    """The JSON schema of a config, for editors."""
    schema = Config.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "bp config"}

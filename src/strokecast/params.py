"""`params.yaml` as frozen, typed models.

Unknown keys, wrong types and values out of range become one `UserError` line that names the key
path, the value and what is allowed. What an architecture's own `config:` may hold is declared in
that architecture's file and checked by `strokecast.models.registry.config`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from strokecast.errors import UserError
from strokecast.explain import first_error, to_date_text
from strokecast.paths import PARAMS

TASKS = ("classify", "forecast")
DATASETS = ("sketches", "series")

Action = Literal["stop", "quarantine", "warn"]
Rejection = Literal["stop", "quarantine"]  # for rows that nothing downstream could use


def _to_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


Day = Annotated[str, BeforeValidator(to_date_text)]
Words = Annotated[tuple[str, ...], BeforeValidator(_to_tuple)]
Ints = Annotated[tuple[int, ...], BeforeValidator(_to_tuple)]
Share = Annotated[float, Field(gt=0, lt=1)]
Count = Annotated[int, Field(ge=1)]


class Strict(BaseModel):
    """Frozen; an unknown key or a wrong type is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, protected_namespaces=())


def _ascending(values: Sequence[int], name: str) -> None:
    if list(values) != sorted(set(values)):
        raise PydanticCustomError("ascending", "{name} should rise strictly", {"name": name})


# ---------------------------------------------------------------- sources


class Doodles(Strict):
    """Procedural drawings, generated on this machine."""

    classes: Literal["all"] | Words = Field("all", description="`all`, or a list of doodle classes")
    train: Count = Field(240, description="training drawings a class")
    valid: Count = Field(40, description="validation drawings a class")
    test: Count = Field(100, description="test drawings a class")
    seed: int = Field(7, ge=0, description="seed of the generator")
    sloppiness: float = Field(
        1.0, ge=0, le=3, description="0: ruler-straight; 1: as people draw; more: worse"
    )


class Cap(Strict):
    """At most so many drawings a class, the first ones of each file; null: all."""

    train: Count | None = Field(None, description="training drawings a class; null: all")
    valid: Count | None = Field(None, description="validation drawings a class; null: all")
    test: Count | None = Field(None, description="test drawings a class; null: all")


class QuickDraw(Strict):
    """Google's Quick, Draw! drawings in Sketch-RNN form: `<base_url>/sketchrnn/<class>.npz`."""

    base_url: str = Field(
        "https://storage.googleapis.com/quickdraw_dataset",
        min_length=1,
        description="http(s) address or local folder that holds `sketchrnn/<class>.npz`",
    )
    classes: Literal["all"] | Words = Field(
        "all", description="`all` (of a local folder: every file; else the 345 official ones), or a list"
    )
    cap: Cap = Field(Cap(), description="at most so many drawings a class and split")


class ClassFiles(Strict):
    """Quick, Draw! files of another official format, one a class; splits by a hash of the key_id."""

    base_url: str = Field(
        "https://storage.googleapis.com/quickdraw_dataset",
        min_length=1,
        description="http(s) address or local folder laid out as the bucket; or a local folder of the files",
    )
    classes: Literal["all"] | Words = Field(
        "all", description="`all` (of a local folder: every file; else the 345 official ones), or a list"
    )
    recognized_only: bool = Field(False, description="set drawings aside that the game did not recognise")
    drop_duplicates: bool = Field(True, description="set drawings aside whose key_id came before")
    valid_share: float = Field(0.1, ge=0, lt=1, description="share of all drawings for validation")
    test_share: float = Field(0.1, ge=0, lt=1, description="share of all drawings for test")
    cap: Cap = Field(Cap(), description="at most so many drawings a class and split")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.valid_share + self.test_share >= 1:
            raise PydanticCustomError("shares", "valid_share and test_share should be below 1 together")
        return self


class Tutorial(Strict):
    """Shards of TensorFlow's quickdraw tutorial; its set `eval` is test."""

    folder: str = Field(
        "quickdraw_tutorial",
        min_length=1,
        description="local folder with training.tfrecord-*, eval.tfrecord-* and their .classes",
    )
    classes: Literal["all"] | Words = Field("all", description="`all`, or a list")
    valid_share: float = Field(
        0.1, ge=0, lt=1, description="share of the training set for validation, by a hash of the drawing"
    )
    cap: Cap = Field(Cap(), description="at most so many drawings a class and split")


class NpzFolder(Strict):
    """A local folder of Sketch-RNN files."""

    folder: str = Field("sketchrnn", min_length=1, description="local folder with <class>.npz")
    classes: Literal["all"] | Words = Field("all", description="`all`, or a list")
    cap: Cap = Field(Cap(), description="at most so many drawings a class and split")


class Sketches(Strict):
    """Where pen drawings come from."""

    source: Literal[
        "doodles",
        "quickdraw",
        "quickdraw_raw",
        "quickdraw_simplified",
        "quickdraw_binary",
        "tutorial_tfrecord",
        "npz_folder",
    ] = Field("doodles", description="which source below is used")
    doodles: Doodles = Field(Doodles(), description="procedural drawings")
    quickdraw: QuickDraw = Field(QuickDraw(), description="Quick, Draw! npz files")
    quickdraw_raw: ClassFiles = Field(ClassFiles(), description="full/raw/<class>.ndjson, with time")
    quickdraw_simplified: ClassFiles = Field(ClassFiles(), description="full/simplified/<class>.ndjson")
    quickdraw_binary: ClassFiles = Field(ClassFiles(), description="full/binary/<class>.bin")
    tutorial_tfrecord: Tutorial = Field(Tutorial(), description="TensorFlow's quickdraw tutorial set")
    npz_folder: NpzFolder = Field(NpzFolder(), description="a folder of npz files")


class Births(Strict):
    """Daily births in the USA, embedded."""

    years: Literal["2000-2014", "1969-1988"] = Field(
        "2000-2014", description="SSA 2000-2014 or NVSS 1969-1988"
    )


class Cta(Strict):
    """Daily boardings of the Chicago Transit Authority: the City of Chicago portal's table 6iiy-9s97."""

    column: Literal["bus", "rail_boardings", "total_rides"] = Field(
        "rail_boardings", description="which column is the series"
    )
    url: str = Field(
        "https://data.cityofchicago.org/api/views/6iiy-9s97/rows.csv?accessType=DOWNLOAD",
        min_length=1,
        description="http(s) address of the CSV export",
    )
    files: Words = Field(
        (), description="local exports instead, in either style, merged on the date; []: fetch url"
    )


class Csv(Strict):
    """Any series in a CSV file, daily or finer."""

    path: str = Field("series.csv", min_length=1, description="path of the file, from the project's root")
    date_column: str = Field("ds", min_length=1, description="header of the date or timestamp column")
    date_format: str = Field(
        "%Y-%m-%d", min_length=1, description="strptime format of the dates, or auto: the one that fits"
    )
    value_column: str = Field("y", min_length=1, description="header of the value column")
    thousands: Literal["", ",", ".", "'", " "] = Field("", description="thousands mark inside the values")
    unit: str = Field("", description="unit of the values, for reports")
    aggregate: Literal["none", "sum", "mean"] = Field(
        "none", description="how timestamps become one value a local day; none: the file is daily"
    )
    timezone: str = Field(
        "", description='IANA name of the local days, e.g. America/Chicago; "": as the file writes them'
    )
    id_column: str = Field("", description='header of the column that tells series apart; "": one series')
    unique_id: str = Field("", description="the series to forecast, where the file holds several")
    day_type_column: str = Field(
        "", description='header of W/A/U (weekday, Saturday, Sunday or holiday); "": none'
    )
    total_column: str = Field("", description='header of a total that part_columns add up to; "": none')
    part_columns: Words = Field((), description="headers of the parts of total_column")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if bool(self.total_column) != bool(self.part_columns):
            raise PydanticCustomError("parts", "total_column and part_columns go together")
        if self.unique_id and not self.id_column:
            raise PydanticCustomError("unique_id", "unique_id goes with id_column")
        if self.timezone and not _is_timezone(self.timezone):
            raise PydanticCustomError(
                "timezone", "timezone should be an IANA name such as America/Chicago, or empty"
            )
        return self


def _is_timezone(name: str) -> bool:
    import zoneinfo

    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


class Series(Strict):
    """Where the daily series comes from."""

    source: Literal["births", "cta", "csv"] = Field("births", description="which source below is used")
    births: Births = Field(Births(), description="embedded daily US births")
    cta: Cta = Field(Cta(), description="Chicago Transit Authority boardings")
    csv: Csv = Field(Csv(), description="a file of yours")


# ---------------------------------------------------------------- quality


class SketchQuality(Strict):
    """Rules for drawings. An action is `stop`, `quarantine` (the row is set aside) or `warn`."""

    min_points: int = Field(2, ge=1, description="points; shorter drawings break `too_short`")
    max_points: int = Field(1000, ge=2, description="points; longer drawings break `too_long`")
    max_delta: float = Field(
        4000.0, gt=0, description="source units; a larger |dx| or |dy| breaks `huge_delta`"
    )
    max_imbalance: float = Field(20.0, ge=1, description="largest class over smallest, on train")
    drift_alpha: Share = Field(0.01, description="false discovery rate of the drift tests")
    drift_distance: float = Field(
        0.2, ge=0, le=1, description="KS distance or Cramer's V; significant and beyond it breaks `drift`"
    )
    max_quarantined: float = Field(
        0.05, ge=0, le=1, description="share of all drawings; above it the pipeline stops"
    )
    empty: Rejection = Field("quarantine", description="a drawing without a point")
    too_short: Action = Field("quarantine", description="fewer than min_points")
    too_long: Action = Field("quarantine", description="more than max_points")
    non_finite: Rejection = Field("quarantine", description="NaN or infinite values")
    huge_delta: Action = Field("quarantine", description="|dx| or |dy| above max_delta")
    bad_pen: Action = Field("quarantine", description="pen_lift other than 0 or 1")
    open_end: Action = Field("quarantine", description="the last point lifts no pen")
    duplicate: Action = Field("quarantine", description="same points as an earlier drawing of its split")
    duplicate_across: Action = Field(
        "quarantine", description="same points as a drawing of an earlier split (train, valid, test)"
    )
    unreadable: Rejection = Field("quarantine", description="a line or record that gives no drawing")
    duplicate_key: Rejection = Field(
        "quarantine", description="a key_id that stood further up (drop_duplicates of the source)"
    )
    unknown_class: Rejection = Field("stop", description="a label that the source does not name")
    imbalance: Literal["stop", "warn"] = Field(
        "warn", description="classes out of balance beyond max_imbalance"
    )
    missing_class: Literal["stop", "warn"] = Field(
        "stop", description="a class without a drawing in some split"
    )
    drift: Literal["stop", "warn"] = Field("warn", description="a feature's distribution moved")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.max_points < self.min_points:
            raise PydanticCustomError("points", "max_points should be min_points or more")
        return self


class SeriesQuality(Strict):
    """Rules for daily series. An action is `stop`, `quarantine` (the row is set aside) or `warn`."""

    start: Day | None = Field(None, description="first day to use, YYYY-MM-DD; null: the first one there is")
    end: Day | None = Field(None, description="last day to use, YYYY-MM-DD; null: the last one there is")
    today: Day | None = Field(None, description="later days break `future_date`; null: the day it runs on")
    max_gap: int = Field(0, ge=0, le=28, description="days; gaps up to this are filled from the same weekday")
    zero_days: int = Field(3, ge=1, description="days; a longer run of zeros breaks `zero_run`")
    constant_days: int = Field(
        4, ge=1, description="days; a longer run of one value, not 0, breaks `constant_run`"
    )
    outlier_mads: float = Field(
        8.0, gt=0, description="scaled MADs from the same weekday's median; further breaks `outlier`"
    )
    level_ratio: float = Field(
        1.25, gt=1, description="factor; four weeks beyond it against the year before break `level_shift`"
    )
    drift_alpha: Share = Field(0.01, description="false discovery rate of the drift tests")
    drift_distance: float = Field(
        0.3, ge=0, le=1, description="KS distance; significant and beyond it breaks `drift`"
    )
    bad_date: Rejection = Field("stop", description="a date that does not fit the format")
    ambiguous_date: Literal["stop", "warn"] = Field(
        "warn", description="day and month could be swapped in all rows (date_format auto: always stops)"
    )
    non_numeric: Rejection = Field("stop", description="a value that is no finite number")
    thousands_mark: Rejection = Field(
        "stop", description="a value that is a number with a thousands mark that is not configured"
    )
    exact_duplicate: Rejection = Field("quarantine", description="the same date and value again")
    conflicting_date: Literal["stop"] = Field("stop", description="one date with two values")
    negative: Action = Field("stop", description="a value below 0")
    future_date: Action = Field("stop", description="a date after today")
    total_mismatch: Action = Field("stop", description="a total that is not the sum of its parts")
    day_type: Action = Field("warn", description="a weekday that contradicts the row's day type")
    unsorted: Literal["stop", "warn"] = Field("warn", description="dates out of order (they are sorted)")
    frequency: Literal["stop"] = Field("stop", description="days mostly more than one day apart")
    zero_run: Action = Field("warn", description="more than zero_days zeros in a row")
    constant_run: Action = Field("warn", description="one value on more than constant_days days in a row")
    outlier: Action = Field("warn", description="far from the same weekday's median of the weeks around")
    short_day: Action = Field("warn", description="a day with fewer timestamps than it should have")
    dst_day: Literal["stop", "warn"] = Field(
        "warn", description="a day of 23 or 25 hours (timestamps with a timezone)"
    )
    gap: Literal["stop"] = Field("stop", description="missing days beyond max_gap")
    level_shift: Literal["stop", "warn"] = Field("warn", description="the level moved beyond level_ratio")
    split_shift: Literal["stop", "warn"] = Field(
        "warn", description="validation or test lie beyond level_ratio from the training days"
    )
    drift: Literal["stop", "warn"] = Field("warn", description="a feature's distribution moved")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.start is not None and self.end is not None and self.start > self.end:
            raise PydanticCustomError("span", "start should not come after end")
        return self


class Quality(Strict):
    """What is accepted, set aside, or stops the pipeline."""

    sketches: SketchQuality = Field(SketchQuality(), description="rules for drawings")
    series: SeriesQuality = Field(SeriesQuality(), description="rules for series")
    reference: str | None = Field(
        None, min_length=1, description="an earlier report.json to compare new data with; null: none"
    )


# ---------------------------------------------------------------- features


class ClassifyFeatures(Strict):
    """Padded records of strokes."""

    bounds: Ints = Field(
        (32, 48, 64, 96, 200),
        min_length=1,
        description="points; a drawing is padded to the smallest bound that holds it, cropped at the last",
    )
    shard_megabytes: int = Field(
        128, ge=1, description="MB; a bucket's records are split into files of this size"
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        _ascending(self.bounds, "bounds")
        if self.bounds[0] < 2:
            raise PydanticCustomError("bounds", "bounds should start at 2 or more")
        return self


class ForecastFeatures(Strict):
    """Windows of a daily series, split by time first."""

    window: int = Field(56, ge=1, le=3660, description="days of past that a network reads")
    horizon: int = Field(7, ge=1, le=365, description="days to forecast")
    valid_from: Day | Share = Field(
        0.8, description="first day of validation: YYYY-MM-DD, or share of the days"
    )
    test_from: Day | Share = Field(0.9, description="first day of test: YYYY-MM-DD, or share of the days")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if type(self.valid_from) is type(self.test_from) and not self.valid_from < self.test_from:  # type: ignore[operator]
            raise PydanticCustomError("order", "valid_from should come before test_from")
        return self


class Features(Strict):
    """From accepted rows to TFRecords."""

    classify: ClassifyFeatures = Field(ClassifyFeatures(), description="for classify")
    forecast: ForecastFeatures = Field(ForecastFeatures(), description="for forecast")


class Preprocess(Strict):
    """Where drawings are turned into records; the result is the same everywhere."""

    runner: Literal["local", "beam"] = Field(
        "local", description="local: processes of this machine; beam: Apache Beam (extra `beam`)"
    )
    workers: int | None = Field(None, ge=1, le=1024, description="local: processes; null: one a processor")
    beam_options: Words = Field((), description="Beam's pipeline options, e.g. [--runner=FlinkRunner]")


# ---------------------------------------------------------------- training


class Recipe(Strict):
    """How a network is trained; a model's own `training:` entry overrides single keys."""

    epochs: int = Field(20, ge=1, le=100_000, description="passes over the training data, at most")
    batch_size: int = Field(128, ge=1, le=65_536, description="examples a step")
    optimizer: Literal["adam", "adamw", "sgd"] = Field("adam", description="update rule")
    learning_rate: float = Field(0.002, gt=0, le=100, description="at its peak")
    momentum: float | None = Field(None, ge=0, lt=1, description="sgd only; null: none")
    weight_decay: float | None = Field(None, ge=0, lt=1, description="adamw only; null: 0.004")
    schedule: Literal["constant", "cosine"] = Field("cosine", description="learning rate over the epochs")
    warmup_epochs: int = Field(0, ge=0, description="epochs of linear rise before the schedule")
    clip_norm: float | None = Field(1.0, gt=0, description="largest global gradient norm; null: no clipping")
    patience: int | None = Field(
        None, ge=1, description="epochs without a better validation loss before stopping; null: never"
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.momentum is not None and self.optimizer != "sgd":
            raise PydanticCustomError("momentum", "momentum goes with optimizer: sgd")
        if self.weight_decay is not None and self.optimizer != "adamw":
            raise PydanticCustomError("weight_decay", "weight_decay goes with optimizer: adamw")
        if self.warmup_epochs >= self.epochs:
            raise PydanticCustomError("warmup", "warmup_epochs should be below epochs")
        return self


class ClassifyRecipe(Recipe):
    """How classifiers are trained."""

    label_smoothing: float = Field(0.0, ge=0, lt=1, description="share of each label spread over all classes")
    augment_scale: float = Field(
        0.0, ge=0, lt=1, description="share; width and height change by up to this, 0: off"
    )
    augment_rotation: float = Field(
        0.0, ge=0, le=180, description="degrees; drawings turn by up to this, 0: off"
    )
    augment_jitter: float = Field(
        0.0, ge=0, le=10, description="std of what is added to scaled dx and dy, 0: off"
    )
    augment_drop: float = Field(
        0.0, ge=0, lt=1, description="share of points within strokes left out, 0: off"
    )


class ForecastRecipe(Recipe):
    """How forecasters are trained."""

    loss: Literal["huber", "mae", "mse"] = Field("mae", description="on values scaled by the training days")


class Training(Strict):
    """Recipes a task, and where they run."""

    device: Literal["auto", "cpu", "gpu"] = Field("auto", description="auto: a GPU where there is one")
    classify: ClassifyRecipe = Field(ClassifyRecipe(), description="for classify")
    forecast: ForecastRecipe = Field(ForecastRecipe(), description="for forecast")


RECIPES: dict[str, type[Recipe]] = {"classify": ClassifyRecipe, "forecast": ForecastRecipe}


class ModelEntry(Strict):
    """One model of a task; its key is the name of an architecture."""

    enabled: bool = Field(True, description="false switches the model off")
    seeds: Ints = Field(
        (1,), min_length=1, description="one training a seed; the board shows mean and spread"
    )
    config: dict[str, Any] = Field({}, description="the architecture's own settings")
    training: dict[str, Any] = Field({}, description="keys of the task's recipe to override")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if len(set(self.seeds)) != len(self.seeds) or min(self.seeds) < 0:
            raise PydanticCustomError("seeds", "seeds should be distinct numbers, 0 or more")
        return self


class Models(Strict):
    """The models of each task."""

    classify: dict[str, ModelEntry] = Field({}, description="strokes to class")
    forecast: dict[str, ModelEntry] = Field({}, description="past days to the next `horizon` days")


# ---------------------------------------------------------------- evaluation


class ClassifyEvaluation(Strict):
    """How classifiers are judged on the test split."""

    resamples: int = Field(1000, ge=100, description="bootstrap resamples for the intervals")
    level: Share = Field(0.95, description="level of the intervals")
    seed: int = Field(0, ge=0, description="seed of the bootstrap")
    calibration_bins: int = Field(15, ge=2, description="equal-width bins of the calibration error")
    length_edges: Ints = Field((25, 50, 75, 100), description="points; edges of the groups by length")

    @model_validator(mode="after")
    def _check(self) -> Self:
        _ascending(self.length_edges, "length_edges")
        return self


class Regime(Strict):
    """A named span of first forecast days, reported apart."""

    name: str = Field(..., pattern=r"^[A-Za-z0-9_-]+$", description="name in the reports")
    first: Day = Field(..., description="first forecast day from, YYYY-MM-DD")
    last: Day = Field(..., description="first forecast day to, YYYY-MM-DD, inclusive")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.last < self.first:
            raise PydanticCustomError("order", "last should not come before first")
        return self


class ForecastEvaluation(Strict):
    """How forecasters are judged on the test split, from rolling origins."""

    step: int = Field(1, ge=1, description="days from one origin to the next")
    resamples: int = Field(1000, ge=100, description="block bootstrap resamples for the intervals")
    level: Share = Field(0.95, description="level of the intervals")
    seed: int = Field(0, ge=0, description="seed of the bootstrap")
    block: int = Field(
        28, ge=1, description="days; length of a bootstrap block, since neighbouring origins err alike"
    )
    regimes: Annotated[tuple[Regime, ...], BeforeValidator(_to_tuple)] = Field(
        (), description="spans of first forecast days that are also reported apart"
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        names = [regime.name for regime in self.regimes]
        if len(set(names)) != len(names):
            raise PydanticCustomError("regimes", "regimes should have distinct names")
        return self


class Evaluation(Strict):
    """How models are judged; the test split is opened here and nowhere else."""

    classify: ClassifyEvaluation = Field(ClassifyEvaluation(), description="for classify")
    forecast: ForecastEvaluation = Field(ForecastEvaluation(), description="for forecast")


class Params(Strict):
    """All of `params.yaml`."""

    sketches: Sketches = Field(Sketches(), description="where pen drawings come from")
    series: Series = Field(Series(), description="where the daily series comes from")
    quality: Quality = Field(Quality(), description="what is accepted")
    features: Features = Field(Features(), description="how records are made")
    preprocess: Preprocess = Field(Preprocess(), description="where records are made")
    training: Training = Field(Training(), description="how networks are trained")
    models: Models = Field(Models(), description="what is trained")
    evaluation: Evaluation = Field(Evaluation(), description="how models are judged")

    def entries(self, task: str) -> dict[str, ModelEntry]:
        """All models of a task, switched off or not, in the order of the file."""
        entries: dict[str, ModelEntry] = getattr(self.models, task)
        return entries

    def recipe(self, task: str, name: str) -> Any:
        """The recipe of one model: the task's, with that model's own keys on top.

        Raises:
            UserError: if the overrides hold an unknown key or a bad value.
        """
        base: Recipe = getattr(self.training, task)
        override = self.entries(task)[name].training
        try:
            return RECIPES[task].model_validate({**base.model_dump(), **override})
        except ValidationError as error:
            raise first_error(error, RECIPES[task], ("models", task, name, "training")) from None


# ---------------------------------------------------------------- loading


def load(path: Path = PARAMS) -> Params:
    """Read and check `params.yaml` (YAML 1.2, as DVC reads it).

    Raises:
        UserError: if the file is missing, no YAML, or holds anything that is not allowed.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UserError("no such file", where=str(path), fix="run from the project's root") from None
    except UnicodeDecodeError:
        raise UserError("is not UTF-8 text", where=str(path)) from None
    try:
        values = YAML(typ="safe", pure=True).load(text)
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise UserError(f"no valid YAML: {error.problem}", where=f"{path}, line {line}") from None
    except (YAMLError, ValueError) as error:
        raise UserError(f"no valid YAML: {error}", where=str(path)) from None
    if not isinstance(values, dict):
        raise UserError(
            "should hold keys and values", where=str(path), allowed=", ".join(Params.model_fields)
        )
    return parse(values)


def parse(values: Mapping[str, Any]) -> Params:
    """Check the contents of `params.yaml`.

    Raises:
        UserError: names the key path, the value and what is allowed.
    """
    try:
        params = Params.model_validate(dict(values))
    except ValidationError as error:
        raise first_error(error, Params) from None
    for task in TASKS:
        for name in params.entries(task):
            params.recipe(task, name)
    return params

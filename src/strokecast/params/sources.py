"""Sections `sketches` and `series`: where raw data comes from, one model a source."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from strokecast.params.base import Count, Strict, Words, with_default


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


class QuickDrawCap(Cap):
    """`Cap` with the defaults of the official npz files, which hold 70,000 training drawings per class."""

    train: Count | None = with_default(Cap, "train", 2000)
    valid: Count | None = with_default(Cap, "valid", 250)
    test: Count | None = with_default(Cap, "test", 250)


class QuickDrawSample(Strict):
    """Real Quick, Draw! drawings that are part of the package: 240 / 40 / 100 per class."""

    classes: Literal["all"] | Words = Field("all", description="`all`, or a list of the 12 embedded classes")
    cap: Cap = Field(Cap(), description="maximum number of drawings per class and split")


TEN_CLASSES = ("airplane", "ant", "apple", "butterfly", "cactus", "crab", "duck", "face", "pig", "pineapple")


class QuickDraw(Strict):
    """Google's Quick, Draw! drawings in Sketch-RNN form: `<base_url>/sketchrnn/<class>.npz`."""

    base_url: str = Field(
        "https://storage.googleapis.com/quickdraw_dataset",
        min_length=1,
        description="http(s) address or local folder that holds `sketchrnn/<class>.npz`",
    )
    classes: Literal["all"] | Words = Field(
        TEN_CLASSES,
        description="`all` (of a local folder: every file; else the 345 official ones), or a list",
    )
    cap: QuickDrawCap = Field(QuickDrawCap(), description="at most so many drawings a class and split")


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
        "quickdraw_sample",
        "doodles",
        "quickdraw",
        "quickdraw_raw",
        "quickdraw_simplified",
        "quickdraw_binary",
        "tutorial_tfrecord",
        "npz_folder",
    ] = Field("quickdraw_sample", description="which source below is used")
    quickdraw_sample: QuickDrawSample = Field(QuickDrawSample(), description="embedded real drawings")
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
        "rail_boardings",
        description="which column is the series; bus and rail_boardings are kept beside it by their names",
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
    extra_columns: Words = Field(
        (), description="headers of further columns of numbers, for features.forecast.targets and covariates"
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if bool(self.total_column) != bool(self.part_columns):
            raise PydanticCustomError("parts", "total_column and part_columns go together")
        taken = sorted(
            {"ds", "y", "filled", "rows", "day_type", "unique_id", self.value_column} & {*self.extra_columns}
        )
        if taken or len(set(self.extra_columns)) != len(self.extra_columns):
            raise PydanticCustomError(
                "extra_columns",
                "extra_columns should be named once each, and otherwise than the columns there are anyway: {names}",
                {"names": ", ".join(taken) or "one is named twice"},
            )
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

"""Sections `sketches` and `series` of params.yaml: where raw data comes from, one model per source."""

from __future__ import annotations

import datetime
import difflib
import re
from typing import Any, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from strokecast.params.base import Count, Name, Names, Strict, Words, with_default


class Doodles(Strict):
    """Procedural drawings, generated locally."""

    classes: Literal["all"] | Words = Field("all", description="`all`, or a list of doodle classes")
    train: int = Field(240, ge=1, le=1_000_000, description="training drawings per class")
    valid: int = Field(40, ge=1, le=1_000_000, description="validation drawings per class")
    test: int = Field(100, ge=1, le=1_000_000, description="test drawings per class")
    seed: int = Field(7, ge=0, description="seed of the generator")
    sloppiness: float = Field(
        1.0, ge=0, le=3, description="strength of the imitated hand: 0 ruler-straight, 1 as people draw"
    )


def _max_file_megabytes() -> Any:
    return Field(2000, ge=1, description="largest file that is downloaded, in MB, if its size is not known")


class Cap(Strict):
    """Maximum number of drawings per class in each split: the first ones of each file. null: all."""

    train: Count | None = Field(None, description="maximum number of training drawings per class; null: all")
    valid: Count | None = Field(
        None, description="maximum number of validation drawings per class; null: all"
    )
    test: Count | None = Field(None, description="maximum number of test drawings per class; null: all")


class QuickDrawCap(Cap):
    """`Cap` with defaults for the official npz files, which have 70,000 training drawings per class."""

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
        description="http(s) address or local folder with `sketchrnn/<class>.npz`",
    )
    classes: Literal["all"] | Words = Field(
        TEN_CLASSES,
        description="`all`, or a list of classes; all: every file of a local folder, or the 345 official classes",
    )
    cap: QuickDrawCap = Field(QuickDrawCap(), description="maximum number of drawings per class and split")
    max_file_megabytes: int = _max_file_megabytes()


def _check_shares(options: Any) -> Any:
    if options.valid_share + options.test_share >= 1:
        raise PydanticCustomError(
            "shares",
            "the sum of valid_share ({valid}) and test_share ({test}) should be below 1",
            {"valid": options.valid_share, "test": options.test_share},
        )
    return options


class ClassFiles(Strict):
    """Quick, Draw! files of another official format, one per class. A hash of the key_id assigns the splits."""

    base_url: str = Field(
        "https://storage.googleapis.com/quickdraw_dataset",
        min_length=1,
        description="http(s) address or local folder with the folders of the official bucket; or a local folder with the files",
    )
    classes: Literal["all"] | Words = Field(
        "all",
        description="`all`, or a list of classes; all: every file of a local folder, or the 345 official classes",
    )
    recognized_only: bool = Field(False, description="quarantine drawings that the game did not recognise")
    drop_duplicates: bool = Field(True, description="quarantine drawings with the key_id of an earlier one")
    valid_share: float = Field(0.1, gt=0, lt=1, description="share of all drawings for validation")
    test_share: float = Field(0.1, gt=0, lt=1, description="share of all drawings for test")
    cap: Cap = Field(Cap(), description="maximum number of drawings per class and split")
    max_file_megabytes: int = _max_file_megabytes()

    _check = model_validator(mode="after")(_check_shares)


class KaggleCsv(Strict):
    """CSV files of Kaggle's Doodle Recognition Challenge. A hash of the key_id assigns the splits."""

    folder: str = Field(
        "train_simplified",
        min_length=1,
        description="local folder with the CSV files; the column word is the class",
    )
    classes: Literal["all"] | Words = Field("all", description="`all`, or a list of classes")
    recognized_only: bool = with_default(ClassFiles, "recognized_only", False)
    drop_duplicates: bool = with_default(ClassFiles, "drop_duplicates", True)
    valid_share: float = with_default(ClassFiles, "valid_share", 0.1)
    test_share: float = with_default(ClassFiles, "test_share", 0.1)
    cap: Cap = Field(Cap(), description="maximum number of drawings per class and split")

    _check = model_validator(mode="after")(_check_shares)


class Tutorial(Strict):
    """Shards of TensorFlow's quickdraw tutorial. Its set `eval` becomes test."""

    folder: str = Field(
        "quickdraw_tutorial",
        min_length=1,
        description="local folder with training.tfrecord-*, eval.tfrecord-* and their .classes files",
    )
    classes: Literal["all"] | Words = Field("all", description="`all`, or a list of classes")
    valid_share: float = Field(
        0.1, gt=0, lt=1, description="share of the training set for validation; a hash of the drawing decides"
    )
    cap: Cap = Field(Cap(), description="maximum number of drawings per class and split")


class NpzFolder(Strict):
    """A local folder of Sketch-RNN files `<class>.npz`."""

    folder: str = Field("sketchrnn", min_length=1, description="local folder with <class>.npz")
    classes: Literal["all"] | Words = Field("all", description="`all`, or a list of classes")
    cap: Cap = Field(Cap(), description="maximum number of drawings per class and split")


class Sketches(Strict):
    """The source of the pen drawings, and the options of each source."""

    source: Literal[
        "quickdraw_sample",
        "doodles",
        "quickdraw",
        "quickdraw_raw",
        "quickdraw_simplified",
        "quickdraw_binary",
        "tutorial_tfrecord",
        "npz_folder",
        "kaggle_csv",
    ] = Field(
        "quickdraw_sample",
        description="the source that is used; its options are in the section of the same name",
    )
    quickdraw_sample: QuickDrawSample = Field(QuickDrawSample(), description="embedded real drawings")
    doodles: Doodles = Field(Doodles(), description="procedural drawings")
    quickdraw: QuickDraw = Field(QuickDraw(), description="Quick, Draw! npz files")
    quickdraw_raw: ClassFiles = Field(
        ClassFiles(), description="Quick, Draw! full/raw/<class>.ndjson, with time"
    )
    quickdraw_simplified: ClassFiles = Field(
        ClassFiles(), description="Quick, Draw! full/simplified/<class>.ndjson"
    )
    quickdraw_binary: ClassFiles = Field(ClassFiles(), description="Quick, Draw! full/binary/<class>.bin")
    tutorial_tfrecord: Tutorial = Field(
        Tutorial(), description="TFRecords of TensorFlow's quickdraw tutorial"
    )
    npz_folder: NpzFolder = Field(NpzFolder(), description="a local folder of npz files")
    kaggle_csv: KaggleCsv = Field(KaggleCsv(), description="a local folder of Kaggle's CSV files of drawings")


class Births(Strict):
    """Daily births in the USA, part of the package."""

    years: Literal["2000-2014", "1969-1988"] = Field(
        "2000-2014", description="2000-2014 (Social Security Administration) or 1969-1988 (NVSS)"
    )


class Cta(Strict):
    """Daily boardings of the Chicago Transit Authority: table 6iiy-9s97 of the City of Chicago's data portal."""

    column: Literal["bus", "rail_boardings", "total_rides"] = Field(
        "rail_boardings",
        description="column to forecast; bus and rail_boardings are kept as additional columns",
    )
    url: str = Field(
        "https://data.cityofchicago.org/api/views/6iiy-9s97/rows.csv?accessType=DOWNLOAD",
        min_length=1,
        description="http(s) address of the CSV export",
    )
    files: Words = Field(
        (), description="local exports of either style, merged on the date; []: download from url"
    )
    max_file_megabytes: int = _max_file_megabytes()


class Csv(Strict):
    """Any daily or finer series in a CSV file."""

    path: str = Field(
        "series.csv", min_length=1, description="path of the file, relative to the project's root"
    )
    date_column: Name = Field("ds", min_length=1, description="header of the date or timestamp column")
    date_format: str = Field(
        "%Y-%m-%d", min_length=1, description="strptime format of the dates; auto: found from the dates"
    )
    value_column: Name = Field("y", min_length=1, description="header of the value column")
    separator: Literal[",", ";", "\t", "|"] = Field(
        ",", description='separator of the cells: a comma, ";", a tab ("\\t") or "|"'
    )
    thousands: Literal["", ",", ".", "'", " "] = Field("", description="thousands separator in the values")
    decimal: Literal["", ".", ","] = Field(
        "", description='decimal mark in the values; "": a comma if thousands is ".", otherwise a point'
    )
    unit: Name = Field("", description="unit of the values, for reports")
    aggregate: Literal["none", "sum", "mean"] = Field(
        "none", description="how the timestamps of a local day become one value; none: the file is daily"
    )
    timezone: str = Field(
        "", description='IANA time zone of the local days, e.g. America/Chicago; "": days as in the file'
    )
    id_column: Name = Field("", description='header of the column with the id of the series; "": one series')
    unique_id: Name = Field("", description="id of the series to forecast; required if the file has several")
    day_type_column: Name = Field(
        "", description='header of the column with W/A/U (weekday, Saturday, Sunday or holiday); "": none'
    )
    total_column: Name = Field("", description='header of the column with the sum of part_columns; "": none')
    part_columns: Names = Field((), description="headers of the columns whose sum is total_column")
    extra_columns: Names = Field(
        (),
        description="headers of further numeric columns, for features.forecast.targets and past_covariates",
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.decimal and self.decimal == self.thousands:
            raise PydanticCustomError("decimal", "decimal and thousands should differ")
        if bool(self.total_column) != bool(self.part_columns):
            raise PydanticCustomError("parts", "total_column and part_columns should be set together")
        self._check_columns()
        if self.unique_id and not self.id_column:
            raise PydanticCustomError("unique_id", "unique_id should be set together with id_column")
        if self.timezone and (problem := _timezone_problem(self.timezone)):
            raise PydanticCustomError("timezone", "{problem}", {"problem": problem})
        if self.date_format != "auto" and not _names_a_day(self.date_format):
            raise PydanticCustomError(
                "date_format",
                "date_format should be a strptime format with year, month and day such as %Y-%m-%d, or auto, not {value}",
                {"value": repr(self.date_format)},
            )
        return self

    def _check_columns(self) -> None:
        """Raise an error if a column has two roles or is listed twice."""
        roles = [("date_column", self.date_column), ("value_column", self.value_column)]
        roles += [("id_column", self.id_column), ("day_type_column", self.day_type_column)]
        used: dict[str, str] = {}
        for role, header in roles:
            if header and (other := used.setdefault(header, role)) != role:
                raise PydanticCustomError(
                    "columns",
                    "{other} and {role} are both {header}; each needs a column of its own",
                    {"role": role, "other": other, "header": repr(header)},
                )
        lists = [("total_column", [self.total_column] if self.total_column else [])]
        lists += [("part_columns", [*self.part_columns]), ("extra_columns", [*self.extra_columns])]
        reserved = {"ds", "y", "filled", "rows", "day_type", "unique_id"}
        for key, headers in lists:
            for header in headers:
                problem = ""
                if headers.count(header) > 1:
                    problem = "is listed twice"
                elif used.get(header, "value_column") != "value_column":
                    problem = f"is {used[header]}"
                elif key == "extra_columns" and (header in reserved or header == self.value_column):
                    problem = "is the name of another column" if header in reserved else "is value_column"
                if problem:
                    raise PydanticCustomError(
                        "columns",
                        "{key}: {header} {problem}",
                        {"key": key, "header": repr(header), "problem": problem},
                    )


def _names_a_day(date_format: str) -> bool:
    """Whether a strptime format is valid and determines the year, the month and the day."""
    day = datetime.datetime(2021, 11, 27, tzinfo=datetime.UTC)
    try:
        return datetime.datetime.strptime(day.strftime(date_format), date_format).date() == day.date()
    except (ValueError, re.error):
        return False


def _timezone_problem(name: str) -> str:
    """Why `name` is not a time zone, with similar names; empty if it is one."""
    import zoneinfo

    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        zones = {zone.rsplit("/", 1)[-1].casefold(): zone for zone in sorted(zoneinfo.available_timezones())}
        close = difflib.get_close_matches(name.rsplit("/", 1)[-1].casefold(), zones, n=1, cutoff=0.75)
        hint = f"; did you mean {zones[close[0]]!r}?" if close else ""
        return f"timezone should be an IANA name such as America/Chicago, or empty, not {name!r}{hint}"
    return ""


class Series(Strict):
    """The source of the daily series, and the options of each source."""

    source: Literal["births", "cta", "csv"] = Field(
        "births", description="the source that is used; its options are in the section of the same name"
    )
    births: Births = Field(Births(), description="daily US births")
    cta: Cta = Field(Cta(), description="Chicago Transit Authority boardings")
    csv: Csv = Field(Csv(), description="a local CSV file")

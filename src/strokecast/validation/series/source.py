"""Facts about a downloaded series that validation needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

TABLE_KEYS = (
    "date_column",
    "value_column",
    "id_column",
    "day_type_column",
    "separator",
    "thousands",
    "decimal",
    "timezone",
    "aggregate",
)


@dataclass(frozen=True)
class SeriesSource:
    """Facts from `source.json` of `data/raw/series`.

    Attributes:
        source: name of the source in `series.source`.
        name: name of the series for people.
        unit: unit of the values.
        file: name of the raw file, for messages.
        path: of the user's file, of which the raw file is a copy, for messages; "": there is none.
        date_format: strptime format of the dates, or `auto`.
        thousands: thousands separator of the values; "": none.
        decimal: decimal mark of the values; "": a comma if `thousands` is `.`, otherwise a point.
        timezone: IANA name; days are local days in it. "": as the file writes them.
        aggregate: `sum` or `mean` of the timestamps of a day; `none`: one row per day.
        unique_id: the series to forecast if the file holds several; "": the only one.
        table: how the file is read: the keys of `source.json` in `TABLE_KEYS` that it has.
    """

    source: str = "csv"
    name: str = "csv"
    unit: str = ""
    file: str = "series.csv"
    path: str = ""
    date_format: str = "%Y-%m-%d"
    thousands: str = ""
    decimal: str = ""
    timezone: str = ""
    aggregate: str = "none"
    unique_id: str = ""
    table: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_json(cls, facts: Mapping[str, Any]) -> Self:
        """From the contents of `source.json`; other keys are ignored."""
        names = ("unit", "file", "path", "thousands", "decimal", "timezone", "aggregate", "unique_id")
        return cls(
            source=facts["source"],
            name=facts.get("name", facts["source"]),
            date_format=facts["date_format"],
            **{name: facts[name] for name in names if name in facts},
            table={name: facts[name] for name in TABLE_KEYS if facts.get(name)},
        )

    @property
    def has_timestamps(self) -> bool:
        """Whether rows are timestamps that are aggregated to one value per day."""
        return self.aggregate != "none"

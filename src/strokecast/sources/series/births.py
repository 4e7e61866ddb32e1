"""Daily births in the USA, embedded: 2000-2014 (Social Security Administration) and 1969-1988 (NVSS).

Both are figures of United States government agencies and in the public domain. The package keeps
one number a line, the days without a gap from the first of January of the first year.
"""

from __future__ import annotations

import datetime
from importlib import resources
from pathlib import Path

from strokecast.common import files
from strokecast.params import Births
from strokecast.sources.local import facts

ATTRIBUTION = {
    "2000-2014": "US births by day: Social Security Administration, as published by FiveThirtyEight",
    "1969-1988": "US births by day: National Center for Health Statistics, National Vital Statistics System",
}


def values(years: str) -> list[int]:
    """Births a day, from January 1 of the first year to December 31 of the last one."""
    name = f"us_births_{years.replace('-', '_')}.txt"
    text = (resources.files("strokecast.sources") / "data" / name).read_text(encoding="ascii")
    return [int(line) for line in text.splitlines()]


def fetch(options: Births, folder: Path) -> str:
    """Write the chosen years as `series.csv` (`ds,y`) with `source.json`; one line on what came out."""
    first = datetime.date(int(options.years[:4]), 1, 1)
    births = values(options.years)
    days = [first + datetime.timedelta(days=n) for n in range(len(births))]
    rows = "".join(f"{day.isoformat()},{count}\n" for day, count in zip(days, births, strict=True))
    (folder / "series.csv").write_text("ds,y\n" + rows, encoding="utf-8", newline="\n")
    files.write_json(
        folder / "source.json",
        {
            "source": "births",
            "name": f"US births {options.years}",
            "unit": "births",
            "file": "series.csv",
            "date_column": "ds",
            "date_format": "%Y-%m-%d",
            "value_column": "y",
            "thousands": "",
            "files": {"series.csv": facts(folder / "series.csv")},
            "attribution": ATTRIBUTION[options.years],
            "licence": "public domain (US government statistics)",
        },
    )
    return f"births {options.years}: {len(births):,} days, {days[0]} to {days[-1]}"

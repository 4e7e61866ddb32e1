"""Daily births in the USA, part of the package: 2000-2014 (Social Security Administration), 1969-1988 (NVSS).

Both are statistics of United States government agencies and in the public domain. The data files
have one number per line, one line per day, without gaps, from January 1 of the first year.
"""

from __future__ import annotations

import datetime
from importlib import resources
from pathlib import Path

from strokecast.params import Births
from strokecast.sources import local
from strokecast.sources.formats import source_json

ATTRIBUTION = {
    "2000-2014": "US births by day: Social Security Administration, as published by FiveThirtyEight",
    "1969-1988": "US births by day: National Center for Health Statistics, National Vital Statistics System",
}


def values(years: str) -> list[int]:
    """Births per day, from January 1 of the first year to December 31 of the last one."""
    name = f"us_births_{years.replace('-', '_')}.txt"
    text = (resources.files("strokecast.sources") / "data" / name).read_text(encoding="ascii")
    return [int(line) for line in text.splitlines()]


def fetch(options: Births, folder: Path) -> str:
    """Write the selected years as `series.csv` (`ds,y`), with `source.json`; return one line about them."""
    first = datetime.date(int(options.years[:4]), 1, 1)
    births = values(options.years)
    days = [first + datetime.timedelta(days=n) for n in range(len(births))]
    rows = "".join(f"{day.isoformat()},{count}\n" for day, count in zip(days, births, strict=True))
    (folder / "series.csv").write_text("ds,y\n" + rows, encoding="utf-8", newline="\n")
    source_json.write(
        folder,
        {
            "source": "births",
            "name": f"US births {options.years}",
            "unit": "births",
            "file": "series.csv",
            "date_column": "ds",
            "date_format": "%Y-%m-%d",
            "value_column": "y",
            "thousands": "",
            "files": {"series.csv": local.file_info(folder / "series.csv")},
            "attribution": ATTRIBUTION[options.years],
            "licence": "public domain (US government statistics)",
        },
    )
    return f"births {options.years}: {len(births):,} days, {days[0]} to {days[-1]}"

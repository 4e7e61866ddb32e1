"""One section of the report page: its HTML, and the data, script and style that make it interactive."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup


@dataclass(frozen=True)
class Section:
    """One section of the page, below a heading with `title`.

    Attributes:
        anchor: id of its `<section>`, unique on the page, e.g. `classify-confusion`.
        title: text of its heading.
        html: contents below the heading; readable without scripts as far as possible.
        data: values that JSON can hold; a script reads them from `<script type="application/json">` with the id
            `data_id`. Empty: the page has no such element.
        script: name of a file in `assets/`, which the page contains once, after all data; "" for none.
        style: name of a CSS file in `assets/`, which the page contains once; "" for none.
    """

    anchor: str
    title: str
    html: Markup
    data: Mapping[str, Any] = field(default_factory=dict)
    script: str = ""
    style: str = ""

    @property
    def data_id(self) -> str:
        """Id of the element that holds `data`."""
        return f"{self.anchor}-data"

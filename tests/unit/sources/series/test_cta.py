"""The source `cta`: both styles of exports, several files, local or from the portal."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from strokecast.common import paths
from strokecast.common.errors import UserError
from strokecast.params import Params
from strokecast.sources import registry, tables

Settings = Callable[..., Params]
RAW = paths.RAW / "series"
pytestmark = pytest.mark.usefixtures("no_proxy")
PLAIN = "service_date,day_type,bus,rail_boardings,total_rides\n01/01/2001,U,297192,126455,423647\n"
QUOTED = (
    '"service_date","day_type","bus","rail_boardings","total_rides"\n'
    '"01/01/2001","U","297,192","126,455","423,647"\n"01/02/2001","W","780,827","501,952","1,282,779"\n'
)


def cta_settings(settings: Settings, **options: Any) -> Params:
    return settings(series={"source": "cta", "cta": options})


@pytest.fixture
def portal() -> Iterator[Any]:
    """A local server. It answers every request with `portal.response` (status, body)."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = self.server.response  # type: ignore[attr-defined]
            self.send_response(status)
            self.end_headers()  # as the portal does, without a Content-Length
            self.wfile.write(body.encode())

        def log_message(self, *args: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.url = f"http://127.0.0.1:{server.server_port}/rows.csv?accessType=DOWNLOAD"  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def test_exports_of_both_styles_are_copied_and_read_as_one_series(project: Path, settings: Settings) -> None:
    (project / "old.csv").write_text(PLAIN)
    (project / "new.csv").write_text(QUOTED)
    line = registry.download("series", cta_settings(settings, files=["old.csv", "new.csv"], column="bus"))
    assert line == "cta: 3 rows of 2 exports, column 'bus'"
    assert (RAW / "series.csv").read_text() == PLAIN
    assert (RAW / "series-2.csv").read_text() == QUOTED
    frame = tables.read_series(RAW)
    assert frame["y"].tolist() == ["297192", "297,192", "780,827"]
    assert frame["row"].tolist() == [1, 1, 2]
    assert frame["file"].tolist() == ["old.csv", "new.csv", "new.csv"]
    assert frame["day_type"].tolist() == ["U", "U", "W"]
    assert frame["total"].tolist() == ["423647", "423,647", "1,282,779"]
    assert frame["part: rail_boardings"].tolist() == ["126455", "126,455", "501,952"]
    text = (RAW / "source.json").read_text()
    assert str(project) not in text
    assert json.loads(text)["attribution"].startswith("Chicago Transit Authority")


def test_files_of_the_same_name_get_distinct_names(project: Path, settings: Settings) -> None:
    for folder in ("a", "b"):
        (project / folder).mkdir()
        (project / folder / "export.csv").write_text(PLAIN)
    registry.download("series", cta_settings(settings, files=["a/export.csv", "b/export.csv"]))
    assert tables.read_series(RAW)["file"].tolist() == ["1 export.csv", "2 export.csv"]


def test_a_single_file_has_no_file_column(project: Path, settings: Settings) -> None:
    (project / "old.csv").write_text(PLAIN)
    registry.download("series", cta_settings(settings, files=["old.csv"]))
    assert "file" not in tables.read_series(RAW)


def test_the_export_of_the_portal_is_downloaded(project: Path, settings: Settings, portal: Any) -> None:
    portal.response = 200, QUOTED
    line = registry.download("series", cta_settings(settings, url=portal.url))
    assert line == "cta: 2 rows of 1 export, column 'rail_boardings'"
    assert (RAW / "series.csv").read_text() == QUOTED
    assert portal.url not in (RAW / "source.json").read_text()


def test_a_web_page_instead_of_the_export_is_an_error_and_not_cached(
    project: Path, settings: Settings, portal: Any
) -> None:
    portal.response = 200, "<html>We are down for maintenance</html>\n"
    with pytest.raises(UserError, match=r"^http://127.*: is an HTML page, not a CSV file"):
        registry.download("series", cta_settings(settings, url=portal.url))
    assert not RAW.exists()
    portal.response = 200, QUOTED
    registry.download("series", cta_settings(settings, url=portal.url))
    assert (RAW / "series.csv").read_text() == QUOTED


def test_a_missing_table_names_the_alternatives(project: Path, settings: Settings, portal: Any) -> None:
    portal.response = 404, ""
    with pytest.raises(UserError) as caught:
        registry.download("series", cta_settings(settings, url=portal.url))
    assert str(caught.value) == (
        f"params.yaml: series.cta.url: no such file {portal.url} (HTTP 404); alternatives: name a "
        "local export in series.cta.files, or another address in series.cta.url, or set series.source: births"
    )


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (
            {"url": "exports/cta.csv"},
            "params.yaml: series.cta.url: 'exports/cta.csv' is not valid; allowed: an http(s) address; "
            "name local files in series.cta.files",
        ),
        (
            {"files": ["none.csv"]},
            "params.yaml: series.cta.files: no such file 'none.csv'; allowed: absolute paths, or paths "
            "relative to the project's root (the folder of params.yaml)",
        ),
        (
            {"files": ["other.csv"]},
            "other.csv: no column 'service_date'; the columns are 'ds', 'y'; name the columns in params.yaml: series.csv",
        ),
        (
            {"files": ["cut.csv"]},
            "cut.csv, line 2: 3 cells, but the header names 5 columns; put quotes around cells that contain a comma",
        ),
    ],
)
def test_a_bad_export_gives_one_line(
    project: Path, settings: Settings, options: dict[str, Any], line: str
) -> None:
    (project / "other.csv").write_text("ds,y\n2001-01-01,1\n")
    (project / "cut.csv").write_text(PLAIN[:-15])
    with pytest.raises(UserError) as caught:
        registry.download("series", cta_settings(settings, **options))
    assert str(caught.value) == line
    assert not RAW.exists()


def test_stale_reports_a_changed_export(project: Path, settings: Settings) -> None:
    (project / "old.csv").write_text(PLAIN)
    (project / "new.csv").write_text(QUOTED)
    options = cta_settings(settings, files=["old.csv", "new.csv"])
    registry.download("series", options)
    assert registry.stale("series", options, RAW) is None
    (project / "new.csv").write_text(QUOTED.replace("780,827", "780,828"))
    assert "new.csv changed" in str(registry.stale("series", options, RAW))

"""The transit authority's table: both export styles, merged, local or from the portal."""

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
PLAIN = "service_date,day_type,bus,rail_boardings,total_rides\n01/01/2001,U,297192,126455,423647\n"
QUOTED = (
    '"service_date","day_type","bus","rail_boardings","total_rides"\n'
    '"01/01/2001","U","297,192","126,455","423,647"\n"01/02/2001","W","780,827","501,952","1,282,779"\n'
)


def of_cta(settings: Settings, **options: Any) -> Params:
    return settings(series={"source": "cta", "cta": options})


@pytest.fixture
def portal() -> Iterator[Any]:
    """A server on this machine; `portal.answer` is (status, body) for every address, `portal.asked` counts."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.server.asked += 1  # type: ignore[attr-defined]
            status, body = self.server.answer  # type: ignore[attr-defined]
            self.send_response(status)
            self.end_headers()  # as the portal does, without a Content-Length
            self.wfile.write(body.encode())

        def log_message(self, *args: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.asked = 0  # type: ignore[attr-defined]
    server.url = f"http://127.0.0.1:{server.server_port}/rows.csv?accessType=DOWNLOAD"  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def test_exports_in_both_styles_are_kept_and_read_as_one(project: Path, settings: Settings) -> None:
    (project / "old.csv").write_text(PLAIN)
    (project / "new.csv").write_text(QUOTED)
    line = registry.download("series", of_cta(settings, files=["old.csv", "new.csv"], column="bus"))
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


def test_files_of_one_name_are_told_apart(project: Path, settings: Settings) -> None:
    for folder in ("a", "b"):
        (project / folder).mkdir()
        (project / folder / "export.csv").write_text(PLAIN)
    registry.download("series", of_cta(settings, files=["a/export.csv", "b/export.csv"]))
    assert tables.read_series(RAW)["file"].tolist() == ["1 export.csv", "2 export.csv"]


def test_one_file_names_no_file_in_its_rows(project: Path, settings: Settings) -> None:
    (project / "old.csv").write_text(PLAIN)
    registry.download("series", of_cta(settings, files=["old.csv"]))
    assert "file" not in tables.read_series(RAW)


def test_the_portals_export_is_fetched(project: Path, settings: Settings, portal: Any) -> None:
    portal.answer = 200, QUOTED
    line = registry.download("series", of_cta(settings, url=portal.url))
    assert line == "cta: 2 rows of 1 export, column 'rail_boardings'"
    assert (RAW / "series.csv").read_text() == QUOTED
    assert portal.url not in (RAW / "source.json").read_text()


def test_a_page_instead_of_the_export_is_refused_and_not_kept(
    project: Path, settings: Settings, portal: Any
) -> None:
    portal.answer = 200, "<html>We are down for maintenance</html>\n"
    with pytest.raises(UserError, match=r"^http://127.*: no column 'service_date'; it has <html>"):
        registry.download("series", of_cta(settings, url=portal.url))
    assert not RAW.exists()
    portal.answer = 200, QUOTED
    registry.download("series", of_cta(settings, url=portal.url))
    assert (RAW / "series.csv").read_text() == QUOTED


def test_a_portal_without_the_table_names_the_other_ways(
    project: Path, settings: Settings, portal: Any
) -> None:
    portal.answer = 404, ""
    with pytest.raises(UserError) as caught:
        registry.download("series", of_cta(settings, url=portal.url))
    assert str(caught.value) == (
        f"params.yaml: series.cta.url: no such file {portal.url} (HTTP 404); other ways: name an export that "
        "you have in series.cta.files, or another address in series.cta.url, or set series.source: births"
    )


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (
            {"url": "exports/cta.csv"},
            "params.yaml: series.cta.url: 'exports/cta.csv' will not do; allowed: an http(s) address; "
            "local files go to series.cta.files",
        ),
        (
            {"files": ["none.csv"]},
            "params.yaml: series.cta.files: no such file 'none.csv'; allowed: paths from the project's root "
            "(the folder of params.yaml), or absolute ones",
        ),
        (
            {"files": ["other.csv"]},
            "other.csv: no column 'service_date'; it has ds, y; name the columns in params.yaml: series.csv",
        ),
        (
            {"files": ["cut.csv"]},
            "cut.csv, line 2: 3 cells, but the header names 5 columns; quote cells that hold a comma",
        ),
    ],
)
def test_what_is_no_export_is_one_line(
    project: Path, settings: Settings, options: dict[str, Any], line: str
) -> None:
    (project / "other.csv").write_text("ds,y\n2001-01-01,1\n")
    (project / "cut.csv").write_text(PLAIN[:-15])
    with pytest.raises(UserError) as caught:
        registry.download("series", of_cta(settings, **options))
    assert str(caught.value) == line
    assert not RAW.exists()


def test_stale_tells_a_changed_export(project: Path, settings: Settings) -> None:
    (project / "old.csv").write_text(PLAIN)
    (project / "new.csv").write_text(QUOTED)
    options = of_cta(settings, files=["old.csv", "new.csv"])
    registry.download("series", options)
    assert registry.stale("series", options, RAW) is None
    (project / "new.csv").write_text(QUOTED.replace("780,827", "780,828"))
    assert "new.csv changed" in str(registry.stale("series", options, RAW))

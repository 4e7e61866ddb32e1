"""docs/draw_lstm.py draws the committed figure of docs/lstm.md."""

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

DOCS = Path(__file__).parents[3] / "docs"


def test_the_script_draws_the_committed_figure(
    import_script: Callable[[str], ModuleType], tmp_path: Path
) -> None:
    import_script("draw_lstm").draw(tmp_path / "lstm.svg")
    committed = DOCS / "figures" / "lstm.svg"
    assert (tmp_path / "lstm.svg").read_bytes() == committed.read_bytes()
    assert committed.stat().st_size < 60_000
    page = (DOCS / "lstm.md").read_text(encoding="utf-8")
    for gate in ("input gate", "forget gate", "candidate", "output gate"):
        assert gate in committed.read_text(encoding="utf-8")
        assert gate in page

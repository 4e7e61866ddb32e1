"""Attribution of the data that reports show."""

import json

import pytest

from strokecast.evaluation.common.attribution import read_attribution


@pytest.mark.parametrize(
    ("source", "line"),
    [
        (
            {"attribution": "Quick, Draw! by Google", "licence": "CC BY 4.0"},
            "Quick, Draw! by Google. Licence: CC BY 4.0.",
        ),
        ({"attribution": "Transit Authority.", "licence": ""}, "Transit Authority."),
        ({"attribution": "", "licence": ""}, ""),
        ({}, ""),
    ],
)
def test_attribution_of_a_source(tmp_path, source, line):
    (tmp_path / "sketches").mkdir()
    (tmp_path / "sketches/source.json").write_text(json.dumps(source))
    assert read_attribution(tmp_path, "sketches") == line

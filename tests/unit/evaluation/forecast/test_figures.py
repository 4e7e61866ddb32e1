"""Figures of the forecast task."""

import dataclasses

import pytest

from strokecast.evaluation.forecast.figures import plot_forecasts


@pytest.mark.parametrize(("step", "linestyle"), [(1, "-"), (13, "None")], ids=["daily", "sparse"])
def test_no_line_joins_days_that_are_not_neighbours(forecast_inputs, step, linestyle):
    rows = slice(None, None, step)
    test = forecast_inputs.test
    sparse = dataclasses.replace(test, first_days=test.first_days[rows], actual=test.actual[rows])
    forecasts = {"sharp": forecast_inputs.forecasts["sharp", 1].select(rows)}
    figure = plot_forecasts(sparse, forecasts, {"sharp": {"color": "C0", "linestyle": "-"}}, "Forecasts")
    (line,) = [line for line in figure.axes[0].lines if line.get_label() == "sharp"]
    assert line.get_linestyle() == linestyle

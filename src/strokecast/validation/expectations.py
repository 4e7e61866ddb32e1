"""Expectations that carry their own observed value; imports great_expectations, so import it late.

A column map Expectation of Great Expectations reports which rows are unexpected, but only
aggregates report a value. The ones here do both.
"""

from __future__ import annotations

from typing import Any, ClassVar

import great_expectations.expectations as gxe
from great_expectations.expectations.expectation import get_metric_kwargs
from great_expectations.validator.metric_configuration import MetricConfiguration


class _Extreme:
    """Adds a column aggregate over the rows that the Expectation looks at."""

    extreme: ClassVar[str]

    def get_validation_dependencies(
        self, execution_engine: Any = None, runtime_configuration: Any = None, **options: Any
    ) -> Any:
        needed = super().get_validation_dependencies(  # type: ignore[misc]
            execution_engine=execution_engine, runtime_configuration=runtime_configuration, **options
        )
        keys = get_metric_kwargs(
            metric_name=self.extreme,
            configuration=self.configuration,  # type: ignore[attr-defined]
            runtime_configuration=runtime_configuration,
        )
        metric = MetricConfiguration(
            metric_name=self.extreme,
            metric_domain_kwargs=keys["metric_domain_kwargs"],
            metric_value_kwargs=keys["metric_value_kwargs"],
        )
        needed.set_metric_configuration(self.extreme, metric)
        return needed

    def _validate(
        self, metrics: dict[str, Any], runtime_configuration: Any = None, execution_engine: Any = None
    ) -> Any:
        found = super()._validate(metrics, runtime_configuration, execution_engine)  # type: ignore[misc]
        found["result"]["observed_value"] = metrics[self.extreme]
        return found


class ExpectColumnValuesToBeAtLeast(_Extreme, gxe.ExpectColumnValuesToBeBetween):
    """Every value is `min_value` or more; observes the smallest."""

    extreme: ClassVar[str] = "column.min"


class ExpectColumnValuesToBeAtMost(_Extreme, gxe.ExpectColumnValuesToBeBetween):
    """Every value is `max_value` or less; observes the largest."""

    extreme: ClassVar[str] = "column.max"


class ExpectColumnValuesToBePresent(gxe.ExpectColumnValuesToNotBeNull):
    """No value is null; observes how many are."""

    def _validate(
        self, metrics: dict[str, Any], runtime_configuration: Any = None, execution_engine: Any = None
    ) -> Any:
        found = super()._validate(metrics, runtime_configuration, execution_engine)
        found["result"]["observed_value"] = found["result"].get("unexpected_count", 0)
        return found


class ExpectColumnValuesToBeKnown(gxe.ExpectColumnValuesToBeInSet):
    """Every value is one of `value_set`; observes the distinct ones that are not."""

    def _validate(
        self, metrics: dict[str, Any], runtime_configuration: Any = None, execution_engine: Any = None
    ) -> Any:
        found = super()._validate(metrics, runtime_configuration, execution_engine)
        found["result"]["observed_value"] = sorted(
            {str(v) for v in found["result"].get("unexpected_list") or []}
        )
        return found

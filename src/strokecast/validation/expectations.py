"""Column map Expectations that also report an observed value.

Great Expectations' column map Expectations report the unexpected rows, and only its aggregate
Expectations report a value. These report both. Importing this module imports great_expectations,
so it is imported inside functions only. The class names appear in `report.json`, from which Data
Docs are rendered again.
"""

from __future__ import annotations

from typing import Any, ClassVar

import great_expectations.expectations as gxe
from great_expectations.expectations.expectation import get_metric_kwargs
from great_expectations.validator.metric_configuration import MetricConfiguration


class _ObservesAggregate:
    """Mixin that reports a column aggregate over the checked rows as the observed value."""

    aggregate_metric: ClassVar[str]

    def get_validation_dependencies(
        self, execution_engine: Any = None, runtime_configuration: Any = None, **options: Any
    ) -> Any:
        dependencies = super().get_validation_dependencies(  # type: ignore[misc]
            execution_engine=execution_engine, runtime_configuration=runtime_configuration, **options
        )
        kwargs = get_metric_kwargs(
            metric_name=self.aggregate_metric,
            configuration=self.configuration,  # type: ignore[attr-defined]
            runtime_configuration=runtime_configuration,
        )
        metric = MetricConfiguration(
            metric_name=self.aggregate_metric,
            metric_domain_kwargs=kwargs["metric_domain_kwargs"],
            metric_value_kwargs=kwargs["metric_value_kwargs"],
        )
        dependencies.set_metric_configuration(self.aggregate_metric, metric)
        return dependencies

    def _validate(
        self, metrics: dict[str, Any], runtime_configuration: Any = None, execution_engine: Any = None
    ) -> Any:
        validation = super()._validate(metrics, runtime_configuration, execution_engine)  # type: ignore[misc]
        validation["result"]["observed_value"] = metrics[self.aggregate_metric]
        return validation


class ExpectColumnValuesToBeAtLeast(_ObservesAggregate, gxe.ExpectColumnValuesToBeBetween):
    """Every value is at least `min_value`; observes the minimum."""

    aggregate_metric: ClassVar[str] = "column.min"


class ExpectColumnValuesToBeAtMost(_ObservesAggregate, gxe.ExpectColumnValuesToBeBetween):
    """Every value is at most `max_value`; observes the maximum."""

    aggregate_metric: ClassVar[str] = "column.max"


class ExpectColumnValuesToBePresent(gxe.ExpectColumnValuesToNotBeNull):
    """No value is null; observes the number of nulls."""

    def _validate(
        self, metrics: dict[str, Any], runtime_configuration: Any = None, execution_engine: Any = None
    ) -> Any:
        validation = super()._validate(metrics, runtime_configuration, execution_engine)
        validation["result"]["observed_value"] = validation["result"].get("unexpected_count", 0)
        return validation


class ExpectColumnValuesToBeKnown(gxe.ExpectColumnValuesToBeInSet):
    """Every value is in `value_set`; observes the distinct values that are not."""

    def _validate(
        self, metrics: dict[str, Any], runtime_configuration: Any = None, execution_engine: Any = None
    ) -> Any:
        validation = super()._validate(metrics, runtime_configuration, execution_engine)
        validation["result"]["observed_value"] = sorted(
            {str(value) for value in validation["result"].get("unexpected_list") or []}
        )
        return validation

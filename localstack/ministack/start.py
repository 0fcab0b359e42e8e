"""Starts MiniStack with one thing more: its CloudFormation takes an alarm on what is computed of
metrics, and keeps it under the expression in place of the metric's name. MiniStack measures nothing
for either kind."""

import sys

from ministack.app import main
from ministack.services.cloudformation import provisioners

of_metric = provisioners._cw_metric_alarm_record


def of_any(name, props):
    computed = [m for m in props.get("Metrics") or [] if m.get("Expression")]
    if computed:
        props = {k: v for k, v in props.items() if k != "Metrics"}
        props |= {"Namespace": "Expression", "MetricName": computed[-1]["Expression"]}
    return of_metric(name, props)


provisioners._cw_metric_alarm_record = of_any
sys.exit(main())

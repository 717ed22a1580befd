"""The flow schemas and priority levels of every cluster: their specs, from ``flows.json``.

Source: k8s.io/apiserver ``pkg/apis/flowcontrol/bootstrap``.
"""

from __future__ import annotations

from labkit.core.json_file import read_json
from labkit.embedded.machinery.request import Object

_FLOWS: dict[str, dict[str, dict[str, Object]]] = read_json(__file__, "flows.json")

MANDATORY_LEVELS = _FLOWS["mandatory"]["levels"]
"""Specs of the priority levels that may not be changed."""
LEVELS = MANDATORY_LEVELS | _FLOWS["suggested"]["levels"]

MANDATORY_SCHEMAS = _FLOWS["mandatory"]["schemas"]
"""Specs of the flow schemas that may not be changed."""
SCHEMAS = MANDATORY_SCHEMAS | _FLOWS["suggested"]["schemas"]

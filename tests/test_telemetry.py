"""Metrics and traces: what they count, and that they hold nothing of anybody."""

import json
import subprocess
import sys

CODE = """
import anyio, json, tempfile
from pathlib import Path
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

reader, spans = InMemoryMetricReader(), InMemorySpanExporter()
metrics.set_meter_provider(MeterProvider([reader]))
traces = TracerProvider()
traces.add_span_processor(SimpleSpanProcessor(spans))
trace.set_tracer_provider(traces)

from acestep_mcp.sandbox import reset_peer
from tests.house import house

async def main():
    async with house(Path(tempfile.mkdtemp())) as home:
        await home.finished(prompt="a secret wish")
        home.sandbox.faults.add("submit", reset_peer("after"))
        await home.generate(prompt="another wish")

anyio.run(main)
shown = json.loads(reader.get_metrics_data().to_json())
points = [
    (metric["name"], point["attributes"], point.get("value", point.get("count")))
    for scope in shown["resource_metrics"][0]["scope_metrics"]
    if scope["scope"]["name"] == "acestep_mcp"
    for metric in scope["metrics"]
    for point in metric["data"]["data_points"]
]
names = [span.name for span in spans.get_finished_spans() if span.name.startswith("acestep")]
print(json.dumps([points, names, "wish" in json.dumps(shown), "sandbox-key" in json.dumps(shown)]))
"""


def test_submissions_ends_and_polls_are_counted_and_no_word_of_them_is_kept() -> None:
    done = subprocess.run(
        [sys.executable, "-c", CODE], capture_output=True, text=True, check=True, timeout=60
    )
    points, spans, wish, key = json.loads(done.stdout.splitlines()[-1])
    counted = {(name, json.dumps(labels, sort_keys=True)): value for name, labels, value in points}
    model = '"model": "ace-step-xl"'

    assert counted["acestep.submissions", f'{{{model}, "verdict": "accepted"}}'] == 1
    assert counted["acestep.submissions", f'{{{model}, "verdict": "unknown"}}'] == 1
    assert counted["acestep.songs", f'{{{model}, "state": "COMPLETED"}}'] == 1
    assert counted["acestep.lag", f"{{{model}}}"] == 1
    assert counted["acestep.polls", '{"answered": true}'] >= 1
    assert spans == ["acestep.submit", "acestep.submit"]
    assert not wish
    assert not key

"""Recording in MLflow: the only package that imports mlflow, which reads the variables below when it is imported.

MLflow is a projection of the trial records: one experiment per sweep, one parent run, one child run per trial, of its
last attempt. A recorder writes while the sweep runs; `writer.reconcile` writes what it could not. Writing the same
record twice changes nothing.
"""

import os

DEFAULTS = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",  # an unreachable server is reported within seconds, not minutes
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # standard output belongs to --json
    "MLFLOW_DISABLE_TELEMETRY": "true",  # nothing about a sweep is sent anywhere unasked
}
for name, value in DEFAULTS.items():
    os.environ.setdefault(name, value)

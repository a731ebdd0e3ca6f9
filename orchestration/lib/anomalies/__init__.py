"""Anomalies: read from the warehouse, worked out by `ml.anomalies`, written to `ml`."""

"""Forecasts, anomalies and savings: plain Python on DataFrames, which never imports Dagster."""

"""How good forecasts and anomalies are, measured on data that others labelled."""

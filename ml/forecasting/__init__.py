"""Forecasts of daily costs."""

from ml.forecasting.forecasts import Cache, Forecasts, forecast
from ml.forecasting.settings import Event, ForecastSettings

__all__ = ["Cache", "Event", "ForecastSettings", "Forecasts", "forecast"]

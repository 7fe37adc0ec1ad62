"""Predicts the sales of the coming days with the trained model."""

import math
from datetime import date, timedelta
from typing import Optional

import numpy as np

from agents.core.base_agent import BaseAgent
from agents.core.errors import TaskFailed
from agents.core.messages import Task
from models.features import check_alignment, design_matrix, feature_row
from models.monitor import mean_absolute_error, percentage_error
from models.store import ModelFileError, fingerprint, load_model


class ForecastAgent(BaseAgent):
    """`predict` forecasts the days after a history, `backtest` the last days of the history itself."""

    name = "forecast"

    def __init__(self, permissions=(), settings=None):
        super().__init__(permissions, settings)
        self._model = None

    def model(self, task: Task):
        """The trained model, loaded once."""
        if self._model is None:
            try:
                path = self.settings.get("model")
                self._model = load_model(path) if path else load_model()
                check_alignment(self._model.features)
            except (ModelFileError, ValueError) as error:
                raise TaskFailed(task.id, str(error))
        return self._model

    def do_predict(self, task: Task) -> dict[str, float]:
        """Forecast `days` days (7 by default) after the history `totals`, one upon the other."""
        totals = {date.fromisoformat(day): amount for day, amount in task.payload["totals"].items()}
        holidays = set(task.payload.get("holidays", ()))
        return self.predict_days(task, totals, task.payload.get("days", 7), holidays)

    def predict_days(self, task: Task, totals: dict, days: int, holidays: set) -> dict[str, float]:
        """Forecast day by day, each from the history and the days forecast so far."""
        if not totals:
            raise TaskFailed(task.id, "there is no history to start from")
        model = self.model(task)
        history, first, forecast = dict(totals), min(totals), {}
        day = max(totals)
        for _ in range(days):
            day += timedelta(days=1)
            row = feature_row(day, first, history, holidays)
            amount = max(0.0, math.expm1(float(model.predict(row)[0])))
            history[day] = amount
            forecast[day.isoformat()] = round(amount, 2)
        return forecast

    def do_backtest(self, task: Task) -> dict[str, float]:
        """Forecast the last `days` days of the history from those before, and compare."""
        totals = {date.fromisoformat(day): amount for day, amount in task.payload["totals"].items()}
        days = task.payload.get("days", 7)
        if len(totals) < days + 8:
            raise TaskFailed(task.id, f"a backtest of {days} days needs {days + 8} days of history")
        ordered = sorted(totals)
        known = {day: totals[day] for day in ordered[:-days]}
        forecast = self.predict_days(task, known, days, set())
        actual = [totals[day] for day in ordered[-days:]]
        return {
            "mae": round(mean_absolute_error(actual, list(forecast.values())), 2),
            "mape": round(percentage_error(actual, list(forecast.values())), 2),
        }

    def model_name(self) -> Optional[str]:
        """Fingerprint of the configured model file; None where the default is used."""
        path = self.settings.get("model")
        return fingerprint(path) if path else None

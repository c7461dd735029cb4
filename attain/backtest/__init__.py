"""Back-tests: the whole chain, from a history to a forecast, judged on months that it never saw.

``backtest`` is the way in, ``document`` what ``--json`` prints. ``origins`` says where it stands, ``fold`` fits and
simulates as of a day, ``baselines`` forecasts the same cells as people do, ``scores`` judges, ``recalibrate`` learns
from what earlier origins got wrong; ``table``, ``pooled`` and ``periods`` do it for tables without deals.
"""

from __future__ import annotations

from attain.backtest.origins import BacktestRefused
from attain.backtest.records import Backtest
from attain.backtest.summary import document
from attain.backtest.workflow import backtest

__all__ = ["Backtest", "BacktestRefused", "backtest", "document"]

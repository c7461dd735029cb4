"""Fitting of a plan's inputs from histories that are already arrays: no files, no tables, no screens.

``incidence`` conversion with open deals as censored; ``durations`` waits by outcome; ``amounts`` deal values;
``arrivals`` lead flow and its season; ``rates`` win rates shrunk toward their group. ``attain.history`` brings the
arrays, ``attain.calibrate`` writes what comes out into a plan.
"""

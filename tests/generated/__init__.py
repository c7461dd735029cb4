"""Whole plans made by Hypothesis, what they cover, and faults that they must find: the material of property tests.

``plans`` draws a plan as a document with its files (``documents``), section by section (``sections``, ``territory``).
``features`` says what a plan and its replications cover, so that no part of the strategy goes blank unseen. ``engines``
holds two engines to the same outcome, bit for bit; ``faults`` are engines that go wrong in one small thing each.
"""

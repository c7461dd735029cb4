"""Tests of the built-in plans."""

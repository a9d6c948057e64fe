"""Tests with real processes: they start them, talk to them from outside, and kill them."""

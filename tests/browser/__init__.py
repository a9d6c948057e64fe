"""Tests in a real browser: what only it can show."""

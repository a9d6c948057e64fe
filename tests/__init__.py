"""Tests of what crosses the apps, and the scripts that run them; each app's own tests live in the app."""

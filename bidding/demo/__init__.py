"""The demo: what is shown in it, and who bids. Used where `DEMO` is on, and by nothing that a real site runs."""

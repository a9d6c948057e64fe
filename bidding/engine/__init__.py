"""The engine: decides bids inside Redis and appends what it decided to the auction's log.

Pure: redis-py's types and the standard library, plus msgspec to read answers. No Django, no app. A `Call`
describes one script call (`calls.py`); the runner carries it out synchronously or asynchronously
(`runner.py`); the answer is a typed outcome (`outcomes.py`).
"""

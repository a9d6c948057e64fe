"""Video without a video service: what a publisher sends over a socket reaches viewers' sockets in every web process.

The side server carries the last seconds of each channel, so a publisher and its viewers may sit on any process.
Nothing here touches bidding, and nothing of bidding waits for it.
"""

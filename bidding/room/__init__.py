"""The live room: the sockets of one process, and what they are told.

`consumers` takes messages in, `hub` sends them out. Nothing here decides about a bid or writes SQL.
"""

"""The only place that builds adapters and puts them together.

What differs between operating systems is chosen here. Everything is imported where it is built,
so that a command pays only for what it uses.
"""

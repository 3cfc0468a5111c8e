"""Keeps business telephony alive when a server dies: watch, replicate, take over, give back."""

__version__ = "0.1.0"

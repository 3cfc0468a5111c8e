"""What the past looks like: pure functions from events and sums of pings to figures and charts."""

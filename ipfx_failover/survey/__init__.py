"""What can be found out about a Primary Server from here (manual, "Server Details": Test)."""

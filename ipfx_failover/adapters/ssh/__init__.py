"""The live server through OpenSSH. Import these modules late: paramiko takes 0.2 s to load."""

"""A small office network on one Linux machine: real cables, real machines, real services.

Each host is a set of kernel namespaces whose first process ends when this program ends, and takes
everything inside along: no name, mount or address is ever made outside.
"""

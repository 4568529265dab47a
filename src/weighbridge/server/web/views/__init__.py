"""What each page shows, as frozen values, and the functions that build them from the hub's services.

A view is ready to print: sizes are words, addresses are quoted, nothing is left to decide. Templates only loop.
"""

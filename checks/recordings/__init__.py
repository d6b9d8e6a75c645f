"""Recordings of devices: taken with masks, written, read in the forms people have, and played to the checks again."""

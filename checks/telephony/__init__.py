"""Telephony: is SIP spoken, can a set register, is a call heard, what do the controllers say of themselves."""

"""Organisations and people: licences, credit grades, certificates, tried phones, duty rosters, and what is missing."""

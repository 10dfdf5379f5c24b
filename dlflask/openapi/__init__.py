"""What the service takes and answers, in OpenAPI 3.1: the source of /openapi.json and /reference.

Written by hand where there is a choice of words; problems, limits, formats and outputs come from
the code, and tests hold paths, statuses, headers and schemas to what the service does.

Source: OpenAPI Specification 3.1; JSON Schema 2020-12.
"""

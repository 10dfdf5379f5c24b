"""The API as an OpenAPI 3.1 document. openapi.yaml is its source; `make openapi` writes the JSON.

Source: OpenAPI Specification 3.1; JSON Schema 2020-12.
"""

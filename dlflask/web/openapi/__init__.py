"""Description of the API as an OpenAPI 3.1 document.

openapi.yaml is the source; `make openapi` writes the JSON.

Source: OpenAPI Specification 3.1; JSON Schema 2020-12.
"""

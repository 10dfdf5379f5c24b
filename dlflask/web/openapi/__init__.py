"""Description of the API as an OpenAPI 3.1 document.

openapi.yaml is the source, from which `make openapi` writes openapi.json.

Source: OpenAPI Specification 3.1; JSON Schema 2020-12.
"""

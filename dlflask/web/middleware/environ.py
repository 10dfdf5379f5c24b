"""Keys under which dlflask stores data of a request in the WSGI environ.

A problem document is the JSON of an error (RFC 9457).
"""

#: Id of the request, as in its response, its log lines and its problem document.
REQUEST_ID = "dlflask.request_id"

#: URL rule of the request's route, such as `/static/<path:filename>`. Absent if the address does
#: not exist.
ROUTE = "dlflask.route"

#: Name of the model that the request addresses. Absent if the request addresses the default (first)
#: model, or no model.
MODEL = "dlflask.model"

#: Exception from a middleware, for Flask's error handlers to render.
ERROR = "dlflask.error"

#: Type of the problem document in the response. Absent if the response is not an error.
PROBLEM_TYPE = "dlflask.problem_type"

#: True if the request ended in a MemoryError, otherwise absent. If true, the server replaces the
#: worker.
OUT_OF_MEMORY = "dlflask.out_of_memory"

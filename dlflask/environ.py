"""Under which names what is known of a request is kept in its WSGI environ."""

#: The id that its answer, its log lines and its problem carry.
REQUEST_ID = "dlflask.request_id"

#: The address as the application knows it, `/static/<path:filename>`; absent where there is none.
ROUTE = "dlflask.route"

#: What went wrong before the application was asked, for it to answer; absent where nothing did.
FAULT = "dlflask.fault"

#: The type of the problem it was answered with; absent where it was none.
PROBLEM_TYPE = "dlflask.problem_type"

#: Present where memory ran out while the request was answered, for the worker to see.
OUT_OF_MEMORY = "dlflask.out_of_memory"

"""The scoring engine: from a request to an answer on disk, as fast as the endpoint allows. The home of aiohttp.

session, lane, specs                    one engine a process, on a thread with an event loop; rows in and out; all its settings
dispatch, row_steps, delivery           the way of a row through the engine, and out of it
waiting, in_progress, samples, sharing  rows that wait or are on the wire; several answers to a row; one answer to several rows
judging, enough                         verdicts of a judge; when a split has enough accepted rows
pool, endpoint, surroundings            which endpoint gets a row; one endpoint; what both know of the engine
traffic                                 how many requests are on the wire, and when the next leaves:
limiter, knee, ceiling                      how many the endpoint works at, and how many it takes
pacer, found_pace, server_hints             how many a second: the user's cap, the endpoint's headers, what it refuses
slots, awake_clock, descriptors             deadlines of attempts, the clock, open files
budget, expectation                     limits on cost, tokens and requests, and what a request is expected to use
hedge, second_request                   a second request for a straggler
retry, health, trouble                  what a failure means: for its row, for the endpoint, for the run
inquiry, own_question                   our test question, which shows whose fault it is
adaptation, refused_parameters          fields that the endpoint refuses are left out
renewal, credentials                    the endpoint's credential, and a new one when it is refused
client                                  one attempt over HTTP: a body in, an answer or a failure out
payload, body_values, header_values,    what is sent
address
classify, error_body, error_words,      what a response means that is not an answer, and what to say about it
error_words_chinese, refusal_words,
offline_backends, tls_faults,
tls_responses, excerpt
response, message_text, lenient_json,   what is in an answer
reported_usage, log_probabilities
streaming, stream_spec, event_stream,   answers token by token
stream_receiving, stream_assembly,
chunk_template, message_parts
length_watch, signs                     faults of answers that their own rows do not show
engine_counts                           what the engine did, for progress and reports
probe                                   asks an endpoint for its models before anything is paid for
kinds                                   what differs between endpoints
"""

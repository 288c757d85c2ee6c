"""The face for applications: OpenAI-compatible serving that picks the version and logs every
request.
"""

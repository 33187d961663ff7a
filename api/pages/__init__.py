"""Pages and files that the node serves itself, so that nothing is fetched from elsewhere.

assets  the static files of the API documentation page: a fixed list, read when first asked for
"""

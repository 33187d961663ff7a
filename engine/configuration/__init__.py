"""What people set.

api_keys          API keys: who may come in
idempotency_keys  idempotency keys that are old enough: forgotten, a bounded number at a time
known_skus        SKUs that commands name: known, and named once
large             a large configuration: announced, applied some entries a record
master_data       nodes, items, channels, policies, prices, promotions: a row for each kind
"""

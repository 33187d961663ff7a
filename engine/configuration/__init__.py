"""What people set.

api_keys          API keys: who may come in
idempotency_keys  idempotency keys that are old enough are forgotten, a bounded number at a time
known_skus        SKUs that commands name: known, and named once
master_data       master data: nodes, items, channels, sourcing policies
"""

"""Goods that come, go and are counted, and who waits for them.

backorders        serving what waits: whatever makes units available goes to backorders first
bringing_anew     what was to be brought for a pickup and will not come is brought anew
inbound           goods on their way: expected -> received | cancelled
inbound_promises  promises of inbound units when those arrive, are delayed, or do not come
movements         the movements of stock that people post
transfers         transfers: planned -> in transit -> received, turned back, or cancelled
"""

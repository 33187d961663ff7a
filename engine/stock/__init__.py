"""Goods that come, go and are counted, and who waits for them.

backorders        serving what waits: whatever makes units available, or withholds fewer
inbound           goods on their way: expected -> received | cancelled
inbound_promises  what happens to promises of inbound units when they arrive, come at another time
movements         the movements of stock that people post
transfers         transfers: planned -> in transit -> received, or cancelled
"""

"""Goods that come, go and are counted, and who waits for them.

backorders        whoever waits is served first, whatever frees the units
bringing_anew     what was to be brought for a pickup and will not come is brought anew
inbound           goods on their way: expected -> received | cancelled
inbound_promises  promises of inbound units when those arrive, are delayed, or do not come
movements         the movements of stock that people post
transfers         transfers: planned -> in transit -> received, turned back, or cancelled
waiting_time      when somebody who waits has to be looked at again because of the time
"""

"""What a node sends to others by itself.

addresses  where a node may send to: public https addresses, looked up once and then kept to
payments   sends requests to payment providers, in the background: those of one order in turn
signing    how a node and a payment provider know each other's messages
"""
